"""Root file systems for images that are not pulled: Debian, or a single binary, as a tar archive."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from dev import commands, mirrors
from dev.gobuild import machine
from dev.progress import StepFailed

ARCHIVE = "rootfs.tar"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
LEFT_OUT = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "var/lib/apt/lists",
    "var/cache/apt/archives",
)
# What is installed later leaves that out as well; nobody needs a build's disk to be in order after a crash.
DPKG = "".join(f"path-exclude=/{name}/*\n" for name in LEFT_OUT[:3]) + "force-unsafe-io\n"
APT = 'Acquire::Languages "none";\n'
# A mirror may hold a frozen day of a suite that is published anew every few hours.
APT_OF_FROZEN = APT + 'Acquire::Check-Valid-Until "false";\n'


@dataclass(frozen=True)
class Suite:
    """A release of Debian."""

    name: str
    released: bool

    @property
    def key(self) -> str:
        """The cache key of its root file system."""
        return f"images/debian-{self.name}-{machine()}"

    def build(self, target: Path) -> None:
        """Write its minimal root file system as an archive into a directory.

        Raises:
            StepFailed: not root, or no Debian mirror known or reachable.
        """
        if os.geteuid() != 0:
            raise StepFailed(
                "no image registry answers, and only root can bootstrap Debian instead:"
                " run `sudo make up` once"
            )
        mirror, security = mirrors.debian(mirrors.sources())
        commands.install_packages({"debootstrap": "debootstrap"})
        root = target / "root"
        commands.run(
            ["debootstrap", "--variant=minbase", self.name, root, mirror],
            hint="check that the Debian mirror of the machine's apt sources is reachable",
        )
        (root / "etc/apt/sources.list").write_text(self.sources(mirror, security))
        (root / "etc/apt/apt.conf.d/image").write_text(APT if self.released else APT_OF_FROZEN)
        (root / "etc/dpkg/dpkg.cfg.d/image").write_text(DPKG)
        for name in LEFT_OUT:
            shutil.rmtree(root / name)
            (root / name).mkdir()
        commands.run(["tar", "-C", root, "--numeric-owner", "-cf", target / ARCHIVE, "."])
        shutil.rmtree(root)

    def sources(self, mirror: str, security: str) -> str:
        """Return apt's sources for an image of it; `security` may be empty."""
        lines = [f"deb {mirror} {self.name} main"]
        if self.released:
            lines.append(f"deb {mirror} {self.name}-updates main")
        if self.released and security:
            lines.append(f"deb {security} {self.name}-security main")
        return "\n".join(lines) + "\n"


BOOKWORM = Suite("bookworm", released=True)
UNSTABLE = Suite("unstable", released=False)


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
