"""Root file systems for images that are not pulled: Debian, or a single binary, as a tar archive."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from pathlib import Path

from dev import commands, mirrors
from dev.gobuild import machine
from dev.progress import StepFailed

SUITE = "bookworm"
ARCHIVE = "rootfs.tar"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
LEFT_OUT = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "var/lib/apt/lists",
    "var/cache/apt/archives",
)


def key() -> str:
    """Return the cache key of the Debian root file system."""
    return f"images/debian-{SUITE}-{machine()}"


def build(target: Path) -> None:
    """Write Debian's minimal root file system as an archive into a directory.

    Raises:
        StepFailed: not root, or no Debian mirror known or reachable.
    """
    if os.geteuid() != 0:
        raise StepFailed(
            "no image registry answers, and only root can bootstrap Debian instead: run `sudo make up` once"
        )
    mirror, security = mirrors.debian(mirrors.sources())
    commands.install_packages({"debootstrap": "debootstrap"})
    root = target / "root"
    commands.run(
        ["debootstrap", "--variant=minbase", SUITE, root, mirror],
        hint="check that the Debian mirror of the machine's apt sources is reachable",
    )
    lines = [f"deb {mirror} {SUITE} main", f"deb {mirror} {SUITE}-updates main"]
    if security:
        lines.append(f"deb {security} {SUITE}-security main")
    (root / "etc/apt/sources.list").write_text("\n".join(lines) + "\n")
    for name in LEFT_OUT:
        shutil.rmtree(root / name)
        (root / name).mkdir()
    commands.run(["tar", "-C", root, "--numeric-owner", "-cf", target / ARCHIVE, "."])
    shutil.rmtree(root)


def archive_of_binary(binary: Path, path: str) -> Path:
    """Write an archive of a binary at `path`, certificate authorities and a /tmp; the caller removes it."""
    handle, name = tempfile.mkstemp(suffix=".tar")
    os.close(handle)
    with tarfile.open(name, "w") as archive:
        archive.add(binary.resolve(), arcname=path.lstrip("/"))
        if AUTHORITIES.exists():
            archive.add(AUTHORITIES.resolve(), arcname=str(AUTHORITIES).lstrip("/"))
        scratch = tarfile.TarInfo("tmp")
        scratch.type, scratch.mode = tarfile.DIRTYPE, 0o1777
        archive.addfile(scratch)
    return Path(name)
