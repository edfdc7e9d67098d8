"""docs/metrics.md says what both processes count, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry

from controller.core.timed import TimedStage
from controller.metrics.calls import BUILD_RESULTS
from controller.passes import Ending, Trigger
from tests.unit.house.figures import Figure, of_the_bridge, of_the_operator, shown
from tests.unit.house.reasons import ROOT

ROW = re.compile(r"^\| `previewcloud_.*$", re.MULTILINE)
UNITS = ("_seconds", "_bytes", "_requests")


def page() -> str:
    return (ROOT / "docs/metrics.md").read_text()


def rows(heading: str) -> list[str]:
    """The rows of the table below a heading."""
    _, _, below = page().partition(f"\n## {heading}\n")
    assert below, f"docs/metrics.md has no heading {heading}"
    return ROW.findall(below.partition("\n## ")[0])


def row(figure: Figure) -> str:
    labels = ", ".join(f"`{label}`" for label in figure.labels) or "none"
    return f"| `{figure.name}` | {figure.type} | {labels} | {figure.meaning} |"


@pytest.mark.parametrize(
    ("heading", "registry"), [("The operator", of_the_operator), ("The bridge", of_the_bridge)]
)
def test_the_page_is_what_is_shown(heading: str, registry: Callable[[], CollectorRegistry]) -> None:
    expected = [row(figure) for figure in shown(registry())]
    assert rows(heading) == expected, "docs/metrics.md is to say:\n" + "\n".join(expected)


@pytest.mark.parametrize("registry", [of_the_operator, of_the_bridge])
def test_every_metric_is_ours_and_says_its_unit(registry: Callable[[], CollectorRegistry]) -> None:
    for figure in shown(registry()):
        assert figure.name.startswith("previewcloud_")
        if figure.type == "histogram":
            assert figure.name.endswith(UNITS), figure.name
        assert figure.meaning.endswith("."), figure.name


def test_every_value_of_a_closed_set_is_explained() -> None:
    sets = (Trigger, Ending, TimedStage, BUILD_RESULTS)
    text = page()
    missing = [str(value) for values in sets for value in values if f"`{value}`" not in text]
    assert missing == [], "docs/metrics.md does not explain these"
