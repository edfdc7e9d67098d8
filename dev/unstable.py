"""Programs newer than this Debian: one package of unstable, unpacked into the cache, never installed.

The machine's own apt stays as it is: lists, archives and sources are directories of this download alone, the
mirror is the one that the machine's sources name.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from dev import cache, commands, mirrors
from dev.gobuild import machine
from dev.progress import Progress
from dev.site import Site

PLUGINS = "usr/libexec/docker/cli-plugins"


def docker_plugin(site: Site, name: str, progress: Progress) -> Path:
    """Return a plugin of the docker command line (`docker-compose`, `docker-buildx`) from Debian unstable.

    Raises:
        StepFailed: no Debian mirror known or reachable, or no apt.
    """

    def make(target: Path) -> None:
        with progress.step(f"{name} from Debian unstable"):
            _unpack(name, target)

    return cache.entry(site.cache, f"packages/{name}-unstable-{machine()}", make) / PLUGINS / name


def _unpack(package: str, target: Path) -> None:
    mirror, _ = mirrors.debian(mirrors.sources())
    apt = target / "apt"
    for directory in ("state/lists/partial", "cache/archives/partial", "download"):
        (apt / directory).mkdir(parents=True)
    sources = apt / "sources.list"
    sources.write_text(f"deb {mirror} unstable main\n")
    options = (
        f"Dir::State={apt / 'state'}",
        f"Dir::Cache={apt / 'cache'}",
        f"Dir::Etc::SourceList={sources}",
        "Dir::Etc::SourceParts=/dev/null",
        "APT::Sandbox::User=root",
        "Acquire::Check-Valid-Until=false",
        "Acquire::Languages=none",
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
    )
    arguments = [word for option in options for word in ("-o", option)]
    commands.run(["apt-get", "-q", *arguments, "update"], hint=f"check that {mirror} is reachable")
    download = apt / "download"
    commands.run(["sh", "-c", 'cd "$0" && exec apt-get -q "$@"', download, *arguments, "download", package])
    commands.run(["dpkg", "-x", *sorted(download.glob("*.deb")), target])
    shutil.rmtree(apt)
