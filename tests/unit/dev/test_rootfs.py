import tarfile
from pathlib import Path

from dev import rootfs


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


def test_a_release_takes_its_security_updates_and_unstable_has_none() -> None:
    mirror, security = "http://mirror.example/debian", "http://mirror.example/debian-security"
    assert rootfs.BOOKWORM.sources(mirror, security).splitlines() == [
        "deb http://mirror.example/debian bookworm main",
        "deb http://mirror.example/debian bookworm-updates main",
        "deb http://mirror.example/debian-security bookworm-security main",
    ]
    assert rootfs.UNSTABLE.sources(mirror, security) == "deb http://mirror.example/debian unstable main\n"
    assert "security" not in rootfs.BOOKWORM.sources(mirror, "")
