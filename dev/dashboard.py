"""The Grafana dashboard: rows of panels in, charts/previewcloud/files/dashboard.json out.

`python -m dev.dashboard` writes it. No data source is named: whoever opens it chooses one, and which jobs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dev.dashboard_panels import ROWS, Panel

FILE = Path(__file__).parents[1] / "charts/previewcloud/files/dashboard.json"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH, HEIGHT = 24, 8


@dataclass(frozen=True)
class _Place:
    x: int
    y: int
    width: int
    height: int

    def told(self) -> dict[str, int]:
        return {"x": self.x, "y": self.y, "w": self.width, "h": self.height}


def dashboard() -> str:
    """The whole file."""
    told = {
        "uid": "previewcloud",
        "title": "PreviewCloud",
        "tags": ["previewcloud"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_source(), _slug()]},
        "panels": list(_panels()),
    }
    return json.dumps(told, indent=2) + "\n"


def _source() -> dict[str, object]:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}


def _slug() -> dict[str, object]:
    return {
        "name": "slug",
        "label": "Preview",
        "type": "query",
        "datasource": SOURCE,
        "query": "label_values(previewcloud_container_memory_bytes, slug)",
        "refresh": 2,
        "includeAll": True,
        "allValue": ".*",
        "multi": True,
        "current": {"text": "All", "value": "$__all"},
    }


def _panels() -> Iterator[dict[str, object]]:
    y, number = 0, 0
    for title, panels in ROWS:
        number += 1
        place = _Place(0, y, WIDTH, 1)
        yield {"id": number, "type": "row", "title": title, "gridPos": place.told(), "panels": []}
        y += 1
        width = WIDTH // len(panels)
        for index, panel in enumerate(panels):
            number += 1
            yield _panel(number, panel, _Place(index * width, y, width, HEIGHT))
        y += HEIGHT


def _panel(number: int, panel: Panel, place: _Place) -> dict[str, object]:
    targets = [
        {"refId": chr(ord("A") + index), "datasource": SOURCE, "expr": query, "legendFormat": legend}
        for index, (query, legend) in enumerate(panel.queries)
    ]
    stacked = {"custom": {"stacking": {"mode": "normal"}, "fillOpacity": 30}} if panel.stacked else {}
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": SOURCE,
        "gridPos": place.told(),
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0, **stacked}, "overrides": []},
        "targets": targets,
    }


if __name__ == "__main__":
    FILE.write_text(dashboard())
