"""The dashboard as it is checked in: made of its panels, of metrics that are there, for any data source."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from dev.dashboard import FILE, dashboard
from tests.unit.house.figures import Figure, of_the_bridge, of_the_operator, shown
from tests.unit.house.reasons import ROOT

ALERTS = ROOT / "charts/previewcloud/files/alerts.yaml"
PAGE = ROOT / "docs/monitoring.md"
NAME = re.compile(r"previewcloud_[a-z0-9_]+")
SELECTOR = re.compile(r"(previewcloud_[a-z0-9_]+)\{([^}]*)\}")
LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
ENDINGS = {"histogram": ("_bucket", "_sum", "_count")}


def samples() -> dict[str, Figure]:
    """Every name that a query may use, with what it is of."""
    figures = [*shown(of_the_operator()), *shown(of_the_bridge())]
    return {f"{one.name}{end}": one for one in figures for end in ENDINGS.get(one.type, ("",))}


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(FILE.read_text())["panels"]
    return [panel for panel in found if panel["type"] != "row"]


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def queries() -> Iterator[tuple[str, str]]:
    """Where a query stands, and the query."""
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for rule in rules():
        yield rule["alert"], rule["expr"]


def test_the_file_is_made_of_the_panels() -> None:
    assert FILE.read_text() == dashboard(), "run: python -m dev.dashboard"


def test_every_query_asks_for_what_is_counted_by_labels_that_it_has() -> None:
    known = samples()
    for where, query in queries():
        for name in NAME.findall(query):
            assert name in known, f"{where}: {name} is no metric"
        for name, matchers in SELECTOR.findall(query):
            assert set(LABEL.findall(matchers)) <= {*known[name].labels, "le"}, f"{where}: {name}"


def test_no_data_source_is_fixed() -> None:
    for panel in panels():
        sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        assert {source["uid"] for source in sources} == {"${datasource}"}


def test_no_two_panels_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(FILE.read_text())["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken and at["x"] + at["w"] <= 24
        taken |= cells


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_every_alert_says_what_to_do_where_its_link_leads(rule: dict[str, Any]) -> None:
    address, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert address.endswith("/docs/monitoring.md")
    assert anchor == rule["alert"].lower()
    assert f"\n### {rule['alert']}\n" in PAGE.read_text()
    assert {"summary", "description"} <= rule["annotations"].keys()
    assert rule["labels"]["severity"] in {"warning", "critical"}


def test_the_page_explains_no_alert_that_is_gone() -> None:
    explained = re.findall(r"^### (Previewcloud\w+)$", PAGE.read_text(), re.MULTILINE)
    assert explained == [rule["alert"] for rule in rules()]
