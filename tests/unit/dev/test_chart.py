"""What of the chart is made from elsewhere is up to date, and knows every setting that there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest
import yaml
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from controller import __version__
from controller.settings import Settings
from dev.chart.__main__ import CHART, made
from dev.chart.page import BEGIN, END, with_table
from dev.chart.schema import of_settings, schema
from dev.chart.values import Row, read, rows
from webhook.settings import BridgeSettings

OWNED = yaml.safe_load((CHART / "owned-settings.yaml").read_text())
VALUES = (CHART / "values.yaml").read_text()
MODELS: Mapping[str, type[BaseSettings]] = {"operator": Settings, "bridge": BridgeSettings}


def settings_of(part: str) -> dict[str, Any]:
    """The schema of a part's settings, by name."""
    properties = cast("dict[str, Any]", schema(read(VALUES), OWNED)["properties"])
    found: dict[str, Any] = properties[part]["properties"]["settings"]
    assert found["additionalProperties"] is False
    return cast("dict[str, Any]", found["properties"])


def test_nothing_is_behind_what_it_is_made_from() -> None:
    assert [path.name for path, text in made() if path.read_text() != text] == []


def test_the_chart_has_the_products_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


@pytest.mark.parametrize("part", MODELS)
def test_every_setting_is_checked_or_written_by_the_chart(part: str) -> None:
    known = settings_of(part)
    assert set(known) == {name.upper() for name in MODELS[part].model_fields}
    assert {name for name, form in known.items() if form is True} == set(OWNED[part])


@pytest.mark.parametrize("part", MODELS)
def test_what_the_chart_writes_itself_follows_from_a_value_that_there_is(part: str) -> None:
    values = yaml.safe_load(VALUES)
    for name, told in OWNED[part].items():
        for path in told.split(" and "):
            found = values
            for key in path.split("."):
                assert key in found, (name, path)
                found = found[key]


def test_every_value_is_explained() -> None:
    assert [".".join(row.path) for row in rows(VALUES) if not row.comment] == []


def test_a_setting_keeps_the_bounds_and_choices_of_its_model() -> None:
    known = settings_of("operator")
    assert (known["ENGINE_CALLS"]["minimum"], known["ENGINE_CALLS"]["maximum"]) == (1, 64)
    assert known["LIMIT_POLICY"]["enum"] == ["evict", "queue"]
    assert known["START_TIMEOUT"]["exclusiveMinimum"] == 0
    assert known["GIT_ALLOW_HTTP"]["enum"] == [True, False, "true", "false"]


def test_a_new_secret_has_to_be_given_a_place_in_the_chart() -> None:
    class Grown(BaseSettings):
        new_token: SecretStr | None = Field(default=None, description="New.")

    with pytest.raises(ValueError, match="NEW_TOKEN is a file or a secret"):
        of_settings(Grown, {})
    assert of_settings(Grown, {"NEW_TOKEN": "new.tokenSecret"})["properties"] == {"NEW_TOKEN": True}


def test_a_setting_that_is_gone_has_to_go_from_the_chart() -> None:
    class Shrunk(BaseSettings):
        pass

    with pytest.raises(ValueError, match="there is no OLD"):
        of_settings(Shrunk, {"OLD": "old"})


def test_a_comment_belongs_to_the_key_below_it() -> None:
    text = "# Nobody's.\n\n# Of a\n# in two lines.\na: 1\n"
    text += "b:\n  # Of c.\n  c: {}\n  # Of d.\n  d: {name: '', key: k}\n"
    assert rows(text) == (
        Row(("a",), 1, "Of a in two lines."),
        Row(("b", "c"), {}, "Of c."),
        Row(("b", "d"), {"name": "", "key": "k"}, "Of d."),
    )


def test_the_table_stands_between_its_marks_and_nothing_else_changes() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    row = Row(("a", "b"), True, "Of <name>.")
    told = with_table(page, [row])
    assert told.startswith("before\n")
    assert told.endswith(f"{END}\nafter\n")
    assert "| `a.b` | `true` | Of &lt;name>. |\n" in told
    assert with_table(told, [row]) == told
    with pytest.raises(ValueError, match="marks"):
        with_table("nothing", [row])
