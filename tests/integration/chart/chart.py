"""The chart as Helm renders it: values in, objects or a refusal out."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).resolve().parents[3]
CHART = CHECKOUT / "charts/previewcloud"
EXAMPLES = CHECKOUT / "examples/helm"
RELEASE, NAMESPACE = "pc", "previewcloud"

Json = dict[str, Any]
Values = Mapping[str, Any]


class Refused(Exception):
    """Helm, or the chart, said no."""


def helm(*words: str, stdin: str = "") -> str:
    """Run helm; raises Refused with what it said."""
    done = subprocess.run(
        ["helm", *words], input=stdin, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise Refused(done.stderr + done.stdout)
    return done.stdout


def render(values: Values, *words: str, namespace: str = NAMESPACE) -> tuple[Json, ...]:
    """All objects of the chart with these values; raises Refused."""
    text = helm(
        "template",
        RELEASE,
        str(CHART),
        "--namespace",
        namespace,
        "--values",
        "-",
        *words,
        stdin=yaml.safe_dump(dict(values)),
    )
    return tuple(found for found in yaml.safe_load_all(text) if found)


def example(name: str) -> Json:
    """The values of an example."""
    found: Json = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text())
    return found


@dataclass(frozen=True)
class Objects:
    """Rendered objects, found by kind and name."""

    all: tuple[Json, ...]

    @classmethod
    def of(cls, values: Values, *words: str, namespace: str = NAMESPACE) -> Objects:
        return cls(render(values, *words, namespace=namespace))

    def of_kind(self, kind: str) -> tuple[Json, ...]:
        return tuple(each for each in self.all if each["kind"] == kind)

    def named(self, kind: str, suffix: str) -> Json:
        """The one object of a kind whose name ends so."""
        (found,) = [each for each in self.of_kind(kind) if each["metadata"]["name"].endswith(suffix)]
        return found

    def pod(self, component: str) -> Json:
        """The pod of operator or bridge."""
        found: Json = self.named("Deployment", f"-{component}")["spec"]["template"]["spec"]
        return found

    def env(self, component: str) -> dict[str, str]:
        """The variables of operator or bridge."""
        return {each["name"]: each["value"] for each in self.pod(component)["containers"][0]["env"]}


def merged(base: Values, more: Values) -> Json:
    """Values as Helm merges them: None takes a default away."""
    result = dict(base)
    for key, value in more.items():
        before = result.pop(key, None)
        if value is None:
            continue
        result[key] = (
            merged(before, value) if isinstance(before, Mapping) and isinstance(value, Mapping) else value
        )
    return result
