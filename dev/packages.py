"""Programs from the machine's own Debian release, unpacked into the cache: nothing is installed, no service
of theirs starts, and what the machine has of them stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dev import cache, commands
from dev.gobuild import machine
from dev.progress import Progress, StepFailed
from dev.site import Site

RELEASE = Path("/etc/os-release")


def unpacked(site: Site, names: Sequence[str], progress: Progress) -> Path:
    """Return a directory that holds the files of some packages, as they would lie below the root.

    Raises:
        StepFailed: no apt on this machine, or it does not have them.
    """
    release = cache.digest(RELEASE.read_bytes() if RELEASE.exists() else b"")

    def make(target: Path) -> None:
        with progress.step(f"packages {', '.join(names)}: unpacking"):
            _unpack(names, target)

    key = f"packages/{'-'.join(sorted(names))}-{release}-{machine()}"
    return cache.entry(site.cache, key, make)


def _unpack(names: Sequence[str], target: Path) -> None:
    if not commands.on_path("apt-get"):
        raise StepFailed(f"no apt-get here, and {', '.join(names)} come from packages of Debian or Ubuntu")
    fetch = 'cd "$0" && exec apt-get -q -o APT::Sandbox::User=root download "$@"'
    download: list[str | Path] = ["sh", "-c", fetch, target, *names]
    if not commands.succeeds(download):
        commands.run(["apt-get", "update", "-q"], hint="check the machine's apt sources")
        commands.run(download, hint=f"check that the machine's apt sources have {', '.join(names)}")
    for archive in sorted(target.glob("*.deb")):
        commands.run(["dpkg", "-x", archive, target])
        archive.unlink()
