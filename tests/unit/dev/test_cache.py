import threading
from pathlib import Path

import pytest

from dev import cache


def test_an_entry_is_built_once(tmp_path: Path) -> None:
    builds = []

    def build(target: Path) -> None:
        builds.append(target)
        (target / "program").write_text("x")

    first = cache.entry(tmp_path, "binaries/program-1", build)
    assert cache.entry(tmp_path, "binaries/program-1", build) == first
    assert (first / "program").read_text() == "x"
    assert len(builds) == 1


def test_a_failed_build_leaves_nothing_and_can_be_repeated(tmp_path: Path) -> None:
    def broken(target: Path) -> None:
        (target / "half").write_text("x")
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        cache.entry(tmp_path, "binaries/program-1", broken)
    assert list((tmp_path / "binaries").iterdir()) == []
    assert cache.entry(tmp_path, "binaries/program-1", lambda target: None).is_dir()


def test_the_second_of_two_at_once_waits_for_the_first(tmp_path: Path) -> None:
    building, go_on, builds = threading.Event(), threading.Event(), []

    def slow(target: Path) -> None:
        builds.append(target)
        building.set()
        go_on.wait(10)

    threads = [threading.Thread(target=cache.entry, args=(tmp_path, "key", slow)) for _ in range(2)]
    threads[0].start()
    assert building.wait(10)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert len(builds) == 1


def test_a_digest_tells_where_one_content_ends() -> None:
    assert cache.digest(b"ab", b"c") != cache.digest(b"a", b"bc")


def test_a_digest_of_files_follows_names_and_contents_not_bytecode(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    before = cache.digest_of_files(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__/a.pyc").write_text("compiled")
    assert cache.digest_of_files(tmp_path) == before
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert cache.digest_of_files(tmp_path) != before
