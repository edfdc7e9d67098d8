import re

import yaml

from controller.api.preview_file import parse_preview_file
from controller.api.references import DATABASE_NAMES, PREVIEW_NAMES
from controller.api.spec import PreviewSpec
from dev.preview_file_page import PAGE, TABLES, filled, keys

TEXT = PAGE.read_text()
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def test_the_page_is_what_the_models_say() -> None:
    assert filled(TEXT) == TEXT, "docs/preview-file.md is behind the models: make reference"


def test_a_table_that_fell_behind_is_written_anew() -> None:
    assert filled("<!-- keys: file -->\n| `port` | gone |\n<!-- end -->\n").count("gone") == 0


def test_every_model_has_its_table() -> None:
    assert re.findall(r"^<!-- keys: (\w+) -->$", TEXT, re.MULTILINE) == list(TABLES)


def test_every_key_is_described() -> None:
    found = (key for model, prefix in TABLES.values() for key in keys(model, prefix))
    assert [key.path for key in found if not key.field.description] == []


def test_every_reference_is_described() -> None:
    assert all(f"| `${{{name}}}` |" in TEXT for name in (*DATABASE_NAMES, *PREVIEW_NAMES))


def test_the_examples_are_valid() -> None:
    file, resource = EXAMPLES
    assert {service.name for service in parse_preview_file(file.encode(), "preview.yaml").services} == {
        "web",
        "api",
    }
    assert PreviewSpec.model_validate(yaml.safe_load(resource)["spec"]).source.pull_request == 42
