import re
from itertools import accumulate

import yaml

from controller.api.preview_file import parse_preview_file
from controller.api.preview_file_model import PreviewFileText
from controller.api.references import DATABASE_NAMES, PREVIEW_NAMES
from controller.api.spec import PreviewSpec
from controller.api.status import PreviewStatus
from tests.unit.house.keys import paths
from tests.unit.house.reasons import ROOT

PAGE = (ROOT / "docs/preview-file.md").read_text()
KEYS = {*paths(PreviewFileText), *paths(PreviewSpec, "spec."), *paths(PreviewStatus, "status.")}
ROWS = set(re.findall(r"^\| `([a-z][\w.<>\[\]]*)` \| \S", PAGE, re.MULTILINE))
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_every_key_is_described() -> None:
    inner = {above for key in KEYS for above in _above(key)[:-1]}
    assert sorted(key for key in KEYS - inner if not ROWS.intersection(_above(key))) == []


def test_no_description_is_stale() -> None:
    assert sorted(row for row in ROWS if row not in KEYS) == []


def test_every_reference_is_described() -> None:
    assert all(f"| `${{{name}}}` |" in PAGE for name in (*DATABASE_NAMES, *PREVIEW_NAMES))


def test_the_examples_are_valid() -> None:
    file, resource = EXAMPLES
    assert {service.name for service in parse_preview_file(file.encode(), "preview.yaml").services} == {
        "web",
        "api",
    }
    assert PreviewSpec.model_validate(yaml.safe_load(resource)["spec"]).source.pull_request == 42


def _above(key: str) -> list[str]:
    """The path of every key on the way down to this one, itself included: no mark of a list at the end."""
    whole = accumulate(key.split("."), lambda above, part: f"{above}.{part}")
    return [path.removesuffix(".<name>").removesuffix("[]") for path in whole]
