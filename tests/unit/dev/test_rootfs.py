import tarfile
from pathlib import Path

import pytest

from dev import rootfs
from dev.progress import StepFailed

DEB822 = """
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://mirror.example/debian-security/
Suites: bookworm-security
"""
ONE_LINE = (
    "deb [signed-by=/k.gpg] https://tools.example/apt stable main\n"
    "deb http://mirror.example/debian/ bookworm main\n"
)


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (DEB822, ("http://mirror.example/debian", "http://mirror.example/debian-security")),
        (ONE_LINE, ("http://mirror.example/debian", "")),
    ],
)
def test_the_mirror_is_read_from_either_format(sources: str, expected: tuple[str, str]) -> None:
    assert rootfs.mirrors(sources) == expected


def test_a_machine_without_a_debian_mirror_is_told_what_to_do() -> None:
    with pytest.raises(StepFailed, match="registry"):
        rootfs.mirrors(
            "deb http://mirror.example/ubuntu noble main\n# deb http://mirror.example/debian x main\n"
        )


def test_the_archive_of_a_binary_holds_it_executable_and_a_world_writable_tmp(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF")
    program.chmod(0o755)
    archive = rootfs.archive_of_binary(program, "/program")
    try:
        with tarfile.open(archive) as content:
            assert content.getmember("program").mode & 0o111
            assert content.getmember("tmp").mode == 0o1777
    finally:
        archive.unlink()
