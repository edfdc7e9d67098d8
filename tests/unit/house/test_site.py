import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.house.reasons import ROOT

FOREIGN = re.compile(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=\"(?:https?:)?//[^\"]+\"")


def built(config: Path, target: Path) -> "subprocess.CompletedProcess[str]":
    command = (sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(config), "-d", str(target))
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    done = built(ROOT / "mkdocs.yml", target)
    assert done.returncode == 0, done.stderr
    return target


def test_every_page_is_in_the_site_and_no_link_is_broken(site: Path) -> None:
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert pages - {path.stem for path in site.glob("*.html")} == set()


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    found = {match for page in site.glob("*.html") for match in FOREIGN.findall(page.read_text())}
    assert {tag for tag in found if 'rel="canonical"' not in tag} == set()


def test_a_link_that_leads_nowhere_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/index.md").write_text("# Home\n\n[gone](gone.md) and [here](#nowhere)\n")
    settings = (ROOT / "mkdocs.yml").read_text().partition("nav:\n  - ")[0]
    (tmp_path / "mkdocs.yml").write_text(settings)
    done = built(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert done.returncode != 0
    assert "gone.md" in done.stderr
    assert "#nowhere" in done.stderr
