from pathlib import Path

import pytest

from dev import repository
from dev.progress import StepFailed
from dev.site import Site, site_from


def _site(root: Path) -> Site:
    return site_from({"HOME": str(root), "PREVIEWCLOUD_STATE": str(root / "state")}, root)


def _files(root: Path, text: str) -> Path:
    (root / "shop").mkdir(exist_ok=True)
    (root / "shop/preview.yaml").write_text(text)
    return root / "shop"


def test_the_same_files_are_the_same_commit_everywhere(tmp_path: Path) -> None:
    commits = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        commits.add(repository.ensure(_site(tmp_path / name), _files(tmp_path / name, "services: {}\n")))
    assert len(commits) == 1


def test_changed_files_are_a_commit_on_top(tmp_path: Path) -> None:
    site = _site(tmp_path)
    first = repository.ensure(site, _files(tmp_path, "a"))
    assert repository.ensure(site, _files(tmp_path, "a")) == first
    second = repository.ensure(site, _files(tmp_path, "b"))
    bare = repository.Repository(repository.root_of(site) / "acme/shop.git")
    assert bare.git("rev-parse", f"{second}^") == first
    assert bare.git("show", f"{repository.PULL_REQUEST}:preview.yaml") == "b"


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="shop is missing"):
        repository.ensure(_site(tmp_path), tmp_path / "shop")
