"""The git server over a real socket, asked by a real git."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev import ports, repository
from dev.processes import Processes, Program
from dev.site import Site, site_from

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = site_from({"HOME": str(tmp_path), "PREVIEWCLOUD_STATE": str(tmp_path / "state")}, tmp_path)
    site.make_directories()
    (tmp_path / "shop").mkdir()
    return site


@pytest.fixture
def url(site: Site) -> Iterator[str]:
    port = ports.choose(site.installation, ports.is_free).git
    repository.root_of(site).mkdir()
    command = (sys.executable, "-m", "dev.git_server", str(repository.root_of(site)), str(port))
    processes = Processes(site.pids, site.logs)
    processes.ensure(Program("git", command, {}, cwd=ROOT))
    processes.wait_until(lambda: not ports.is_free(port), 20, "git")
    yield f"http://127.0.0.1:{port}/acme/shop.git"
    processes.stop("git")


def _commit(site: Site, content: bytes) -> str:
    (site.checkout / "shop/file").write_bytes(content)
    return repository.ensure(site, site.checkout / "shop")


def _git(directory: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["git", "-C", str(directory), *arguments], capture_output=True, check=False, timeout=60
    )


def test_one_commit_is_fetched_by_its_hash_also_when_it_is_no_branch_any_more(site: Site, url: str) -> None:
    first, content = _commit(site, bytes(range(256)) * 4096), bytes(range(256)) * 4096
    _commit(site, b"newer")
    clone = site.checkout / "clone"
    clone.mkdir()
    assert _git(clone, "init", "--quiet").returncode == 0
    fetched = _git(clone, "fetch", "--quiet", "--depth=1", url, first)
    assert fetched.returncode == 0, fetched.stderr
    assert _git(clone, "show", f"{first}:file").stdout == content


def test_an_unknown_repository_is_not_found(site: Site, url: str) -> None:
    asked = _git(site.checkout, "ls-remote", url.replace("shop", "nothing"))
    assert b"not found" in asked.stderr


def test_nothing_can_be_pushed(site: Site, url: str) -> None:
    commit = _commit(site, b"x")
    clone = site.checkout / "clone"
    assert _git(site.checkout, "clone", "--quiet", url, str(clone)).returncode == 0
    assert _git(clone, "push", "origin", "HEAD:refs/heads/evil").returncode != 0
    assert _git(clone, "ls-remote", "origin", "refs/heads/*").stdout.split() == [
        commit.encode(),
        b"refs/heads/main",
    ]
