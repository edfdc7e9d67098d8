import re
from collections import Counter

from tests.unit.house.reasons import OF_THE_BRIDGE, PHASES, ROOT, modules, reasons, unreadable

PAGE = ROOT / "docs/reasons.md"
ENTRY = re.compile(r"^\| `(\w+)` \| \S", re.MULTILINE)
MODULES = modules()
ENTRIES = Counter(ENTRY.findall(PAGE.read_text()))


def test_the_reasons_of_all_errors_can_be_read() -> None:
    assert unreadable(MODULES) == []


def test_every_reason_is_explained() -> None:
    assert sorted(reasons(MODULES) - set(ENTRIES)) == [], "docs/reasons.md lacks these"


def test_no_explanation_is_stale() -> None:
    assert sorted(set(ENTRIES) - reasons(MODULES) - PHASES) == [], "nothing in controller/ says these"


def test_every_reason_is_explained_once() -> None:
    assert [reason for reason, count in ENTRIES.items() if count > 1] == []


BRIDGE = modules(ROOT / "webhook")
BRIDGE_ENTRIES = Counter(
    name
    for cell in re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", (ROOT / "docs/bridge.md").read_text(), re.MULTILINE)
    for name in re.findall(r"`(\w+)`", cell)
)


def test_every_reason_of_the_bridge_is_explained_on_its_page() -> None:
    said = reasons(BRIDGE, OF_THE_BRIDGE)
    assert sorted(said - set(BRIDGE_ENTRIES) - set(ENTRIES)) == [], "docs/bridge.md lacks these"


def test_no_explanation_of_the_bridge_is_stale_or_twofold() -> None:
    said = reasons(BRIDGE, {**OF_THE_BRIDGE, "_header": 1, "__init__": 0})
    assert sorted(set(BRIDGE_ENTRIES) - said) == [], "nothing in webhook/ says these"
    assert [name for name, count in BRIDGE_ENTRIES.items() if count > 1] == []
