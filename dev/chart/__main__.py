"""`python -m dev.chart` writes what of the chart is made from elsewhere; with `check` it ends with 1 where
that is behind.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from dev.chart.page import with_table
from dev.chart.schema import schema
from dev.chart.values import read, rows

CHECKOUT = Path(__file__).resolve().parent.parent.parent
CHART = CHECKOUT / "charts/previewcloud"


def made() -> Iterator[tuple[Path, str]]:
    """Every file that is made here, and what is to stand in it."""
    values = (CHART / "values.yaml").read_text()
    owned = yaml.safe_load((CHART / "owned-settings.yaml").read_text())
    yield CHART / "crd/previews.yaml", (CHECKOUT / "crds/previews.yaml").read_text()
    yield CHART / "values.schema.json", json.dumps(schema(read(values), owned), indent=2) + "\n"
    page = CHECKOUT / "docs/install.md"
    yield page, with_table(page.read_text(), rows(values))


def main(arguments: list[str]) -> int:
    """Write, or compare."""
    behind = [(path, text) for path, text in made() if not path.exists() or path.read_text() != text]
    for path, text in behind:
        name = path.relative_to(CHECKOUT)
        if "check" in arguments:
            print(f"{name} is behind what it is made from: make reference", file=sys.stderr)
        else:
            path.write_text(text)
            print(f"wrote {name}")
    return 1 if behind and "check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
