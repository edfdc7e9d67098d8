"""Root file systems for images that are not pulled: Debian, or a single binary, as a tar archive."""

from __future__ import annotations

import os
import re
import shutil
import tarfile
import tempfile
from pathlib import Path

from dev import commands
from dev.gobuild import machine
from dev.progress import StepFailed

SUITE = "bookworm"
ARCHIVE = "rootfs.tar"
SOURCES = Path("/etc/apt")
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
    mirror, security = mirrors(_sources())
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


def mirrors(sources: str) -> tuple[str, str]:
    """Find Debian's mirror and its security archive (may be empty) in apt's sources, either format.

    Raises:
        StepFailed: no Debian mirror among them.
    """
    one_line = re.findall(r"^deb\s+(?:\[[^]]*\]\s+)?(https?://\S+)", sources, re.MULTILINE)
    deb822 = re.findall(r"^URIs:\s*(https?://\S+)", sources, re.MULTILINE)
    found = [uri.rstrip("/") for uri in [*deb822, *one_line]]
    security = next((uri for uri in found if uri.endswith("/debian-security")), "")
    for uri in found:
        if uri.endswith("/debian"):
            return uri, security
    raise StepFailed(
        f"no image registry answers, and {SOURCES} names no Debian mirror to make base images from;"
        " make one of the two reachable"
    )


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


def _sources() -> str:
    files = [SOURCES / "sources.list", *sorted((SOURCES / "sources.list.d").glob("*"))]
    return "\n".join(file.read_text() for file in files if file.is_file() and file.suffix != ".save")
