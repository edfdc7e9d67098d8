"""The examples as the generators render them: with their parameters put in, as Argo CD and Flux do."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import yaml

EXAMPLES = Path(__file__).parents[3] / "examples"
GITOPS = EXAMPLES / "gitops"
Json = dict[str, Any]


def in_git() -> list[Json]:
    """Every Preview in examples/ that stands there as it is."""
    return [yaml.safe_load(path.read_text()) for path in (EXAMPLES / "preview.yaml", GITOPS / "preview.yaml")]


def by_argocd(pull_request: Mapping[str, str], **values: str) -> Json:
    """The Preview of the ApplicationSet for a pull request."""
    application_set = yaml.safe_load((GITOPS / "argocd/applicationset.yaml").read_text())
    given = application_set["spec"]["template"]["spec"]["source"]["helm"]["valuesObject"]
    put_in = {
        name: re.sub(r"\{\{\.(\w+)\}\}", lambda found: pull_request[found[1]], text)
        for name, text in given.items()
    }
    return _helm(GITOPS / "argocd/preview", {**put_in, **values})


def by_flux(pull_request: Mapping[str, str]) -> Json:
    """The Preview of the ResourceSet for a pull request."""
    _, resource_set = yaml.safe_load_all((GITOPS / "flux/pull-requests.yaml").read_text())
    (kustomization,) = resource_set["spec"]["resources"]
    given = kustomization["spec"]["postBuild"]["substitute"]
    put_in = {
        name: re.sub(r"<< inputs\.(\w+) >>", lambda found: pull_request[found[1]], text)
        for name, text in given.items()
    }
    rendered: Json = yaml.safe_load(
        Template((GITOPS / "flux/preview/preview.yaml").read_text()).substitute(put_in)
    )
    return rendered


def _helm(chart: Path, values: Mapping[str, str]) -> Json:
    done = subprocess.run(
        ["helm", "template", "shop", str(chart), "--values", "-"],
        input=yaml.safe_dump(dict(values)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rendered: Json = yaml.safe_load(done.stdout)
    return rendered
