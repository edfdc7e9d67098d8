"""What holds for the whole repository and no linter looks at."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.house.reasons import ROOT

FILE_LINES, FUNCTION_LINES = 300, 40
SKIPPING = re.compile(r"pytest\.(mark\.)?(skip|skipif|xfail|importorskip)\b|\bskipTest\b")
LINK = re.compile(r"\]\(([^)#:]+)(?:#([\w-]+))?\)")
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^]]*\])?==\S+ \\$", re.MULTILINE)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def tracked(*patterns: str) -> list[Path]:
    """The files of the repository that match, whether they are committed yet or not."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    found = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True)
    return [path for name in found.stdout.splitlines() if (path := ROOT / name).is_file()]


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Each function of a file, and the lines of its body."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or 0) - node.body[0].lineno + 1


def normalised(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name is not None
    return re.sub(r"[._-]+", "-", name[0]).lower()


def test_files_are_small() -> None:
    lines = {shown(path): path.read_text().count("\n") for path in tracked("*.py")}
    assert {name: count for name, count in lines.items() if count > FILE_LINES} == {}


def test_functions_are_small() -> None:
    found = [(shown(path), *function) for path in tracked("*.py") for function in functions(path)]
    assert [each for each in found if each[2] > FUNCTION_LINES] == []


def test_modules_say_by_name_what_is_in_them() -> None:
    vague = re.compile(r"(^|_)(utils?|helpers?|managers?|misc|common)$")
    assert [shown(path) for path in tracked("*.py") if vague.search(path.stem)] == []


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    found = [
        path for path in tracked("tests/*.py") if path != Path(__file__) and SKIPPING.search(path.read_text())
    ]
    assert [shown(path) for path in found] == []


@pytest.mark.parametrize("page", tracked("*.md"), ids=shown)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target
        headings = re.findall(r"^#+ (.*)$", (page.parent / target).read_text(), re.M) if anchor else []
        assert not anchor or anchor in [heading.lower().replace(" ", "-") for heading in headings], anchor


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        ("requirements.txt", PROJECT["dependencies"]),
        ("requirements-dev.txt", PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]),
    ],
)
def test_everything_needed_is_pinned_and_no_address_is(file: str, wanted: list[str]) -> None:
    text = (ROOT / file).read_text()
    pinned = {normalised(name) for name in PIN.findall(text)}
    assert {normalised(requirement) for requirement in wanted} - pinned == set()
    assert re.search(r"https?://|^-", text, re.MULTILINE) is None


def test_the_pins_of_the_product_are_those_of_its_development() -> None:
    product, development = (
        dict(re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==(\S+)", (ROOT / file).read_text(), re.MULTILINE))
        for file in ("requirements.txt", "requirements-dev.txt")
    )
    assert {name: development.get(name) for name in product} == product
