import re
from collections import Counter

from tests.unit.house.reasons import PHASES, ROOT, modules, reasons, unreadable

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
