import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dev.progress import StepFailed
from dev.release.tree import Tree
from dev.repository import IDENTITY

Git = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path) -> Git:
    def run(*arguments: str) -> str:
        command = ["git", "-C", str(tmp_path), *arguments]
        environment = {**IDENTITY, "PATH": "/usr/local/bin:/usr/bin:/bin"}
        return subprocess.run(
            command, env=environment, check=True, capture_output=True, text=True
        ).stdout.strip()

    run("init", "--quiet", "--initial-branch=main")
    (tmp_path / "file").write_text("one\n")
    run("add", "file")
    run("commit", "--quiet", "--message", "One")
    return run


def test_a_tagged_commit_is_released_with_its_time(git: Git, tmp_path: Path) -> None:
    for tag in (["tag", "v1.0.0"], ["tag", "--annotate", "v1.0.1", "--message", "v1.0.1"]):
        git(*tag)
    head = git("rev-parse", "HEAD")
    for version in ("1.0.0", "1.0.1"):
        origin = Tree(tmp_path).check(version)
        assert (origin.revision, origin.epoch) == (head, int(git("log", "-1", "--format=%ct")))


def test_what_is_not_committed_is_not_released(git: Git, tmp_path: Path) -> None:
    git("tag", "v1.0.0")
    (tmp_path / "beside").write_text("two\n")
    with pytest.raises(StepFailed, match="beside"):
        Tree(tmp_path).check("1.0.0")


def test_the_tag_must_be_there_and_at_this_commit(git: Git, tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match=r"no tag v1\.0\.0"):
        Tree(tmp_path).check("1.0.0")
    git("tag", "v1.0.0")
    git("commit", "--quiet", "--allow-empty", "--message", "Two")
    with pytest.raises(StepFailed, match="check it out"):
        Tree(tmp_path).check("1.0.0")


def test_only_what_is_committed_is_exported(
    git: Git, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (tmp_path / "beside").write_text("two\n")
    target = tmp_path_factory.mktemp("exported")
    Tree(tmp_path).export(target)
    assert [path.name for path in target.iterdir()] == ["file"]
