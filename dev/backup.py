"""`make backup` and `make restore`: all of the platform that cannot be made again, in one file, and back.

    Previews, Secrets, what the bridge remembers ┐
    dumps of the database servers                ├──▶ parts ──▶ one tar (backup_archive)
    logins, ports, repositories, logs            ┘

    tar ──▶ checked ──▶ down ──▶ logins, ports, logs put back ──▶ up ──▶ dumps, objects ──▶ operator, bridge

Containers and images are not in it: the operator makes them again from the Previews. docs/recovery.md says
how a real installation does the same.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from controller import __version__
from controller.clock import WallClock
from dev import backup_archive, backup_cluster, engine, platform
from dev.backup_archive import Manifest
from dev.backup_databases import MONGODB, MYSQL, POSTGRES, Dumps, Server
from dev.cluster import Cluster
from dev.databases import STARTED_HERE
from dev.environment import read_shell_file
from dev.platform import Wanted
from dev.progress import Progress, StepFailed
from dev.site import Site

CLUSTER, DATABASES, SECRETS, GIT, LOGS, PORTS = (
    "cluster",
    "databases",
    "secrets",
    "git",
    "logs.db",
    "ports.json",
)
STORE = "previews.db"
SETTLED_SECONDS = 900.0
LOOK_SECONDS = 1.0
WARNING = "It holds passwords and everything in the databases: keep it where only you can read it."


def backup(site: Site, path: Path, progress: Progress) -> Manifest:
    """Write a backup of a platform that runs; nothing of it is stopped.

    Raises:
        StepFailed: the platform does not run, or a part of it cannot be read.
    """
    variables = _variables(site)
    with _workplace(path) as work:
        parts = work / backup_archive.PARTS
        parts.mkdir()
        with progress.step("Previews and Secrets") as step:
            counts = backup_cluster.collect(_cluster(site, variables), parts / CLUSTER)
            step.note = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        dumps = Dumps(engine.docker_from(variables), parts / DATABASES)
        for server in _servers(site, variables):
            with progress.step(f"databases of {server.kind}") as step:
                counts[f"databases of {server.kind}"] = count = dumps.dump(server)
                step.note = f"{count} dumped"
        with progress.step("logins, repositories, logs"):
            _keep_files(site, parts)
        with progress.step(f"writing {path}") as step:
            about = backup_archive.about(__version__, site.installation, WallClock().now())
            manifest = backup_archive.write(path, parts, about, counts)
            step.note = f"{path.stat().st_size / 1e6:.1f} MB"
    progress.say(WARNING)
    return manifest


def restore(site: Site, path: Path, progress: Progress, *, replace: bool) -> Manifest:
    """Make the platform what a backup says, from whatever state it is in.

    Args:
        site: of the same installation as the backup's.
        path: of the backup.
        progress: is told.
        replace: also where Previews are there that the backup does not hold: they go.

    Raises:
        StepFailed: the backup is not for this platform, or cannot be restored.
    """
    manifest = backup_archive.look(path)
    _check(site, path, manifest)
    with _workplace(path) as work:
        with progress.step(f"reading {path}, made {manifest.made_at} by {manifest.version}") as step:
            parts = backup_archive.unpack(path, work, manifest)
            step.note = manifest.told()
        if not replace:
            _check_others(site, parts, path)
        platform.down(site, progress)
        site.make_directories()
        _put_files(site, parts)
        up = platform.up(site, Wanted(operator=False, sample=False), progress)
        dumps = Dumps(engine.docker_from(up.variables), parts / DATABASES)
        for server in _servers(site, up.variables):
            if (parts / DATABASES / server.kind).is_dir():
                with progress.step(f"databases of {server.kind}"):
                    dumps.load(server)
        with progress.step("Previews and Secrets"):
            backup_cluster.put_back(up.cluster, parts / CLUSTER)
        platform.up(site, Wanted(operator=True, sample=False), progress)
        _verify(up.cluster, parts, progress)
    return manifest


def _check(site: Site, path: Path, manifest: Manifest) -> None:
    if manifest.installation != site.installation:
        raise StepFailed(
            f"{path} is of installation {manifest.installation}, and this one is {site.installation}; "
            f"restore it where it was made, or with INSTALLATION_ID={manifest.installation}"
        )
    if site.cluster == "current":
        raise StepFailed(
            "CLUSTER=current: what is in a cluster of your own is yours to restore; read docs/recovery.md"
        )


def _check_others(site: Site, parts: Path, path: Path) -> None:
    """Refuse to take away Previews that the backup does not bring back."""
    cluster = Cluster(site.kubeconfig, site.bin / "kubectl")
    if not (site.env_file.exists() and site.kubeconfig.exists() and cluster.ready()):
        return
    others = sorted(backup_cluster.previews(cluster) - backup_cluster.previews_in(parts / CLUSTER))
    if others:
        raise StepFailed(
            f"{', '.join(others[:5])} would be gone: {path} does not hold {len(others)} of the Previews "
            "that are here; delete them, or restore with REPLACE=1"
        )


def _verify(cluster: Cluster, parts: Path, progress: Progress) -> None:
    """Wait until every Preview of the backup is what it should be.

    Raises:
        StepFailed: one is not there at all.
    """
    wanted = backup_cluster.previews_in(parts / CLUSTER)
    missing = sorted(wanted - backup_cluster.previews(cluster))
    if missing:
        raise StepFailed(
            f"{', '.join(missing)}: not in the cluster after the restore; read the operator's log"
        )
    deadline = time.monotonic() + SETTLED_SECONDS
    with progress.step(f"{len(wanted)} previews") as step:
        while (left := backup_cluster.unsettled(cluster)) and time.monotonic() < deadline:
            step.note = f"{len(wanted) - len(left)} are as they were; {left[0]}"
            time.sleep(LOOK_SECONDS)
        step.note = f"{len(wanted) - len(left)} are as they were"
    for one in left:
        progress.say(f"        {one}: the operator goes on with it; read `kubectl describe preview`")


def _servers(site: Site, variables: Mapping[str, str]) -> list[Server]:
    """The servers that the platform runs itself; a MongoDB of the caller's is the caller's to back up."""
    kinds = [POSTGRES, MYSQL, *([MONGODB] if STARTED_HERE in variables else [])]
    names = {kind: f"previewcloud-{kind}-{site.installation}" for kind in kinds}
    return [Server(kind, name, variables[f"{kind.upper()}_URL"]) for kind, name in names.items()]


def _keep_files(site: Site, parts: Path) -> None:
    shutil.copytree(site.secrets, parts / SECRETS)
    shutil.copytree(site.state / GIT, parts / GIT)
    shutil.copy(site.state / PORTS, parts / PORTS)
    store = site.logs / STORE
    if store.exists():
        with closing(sqlite3.connect(store)) as live, closing(sqlite3.connect(parts / LOGS)) as copy:
            live.backup(copy)


def _put_files(site: Site, parts: Path) -> None:
    shutil.copytree(parts / SECRETS, site.secrets, dirs_exist_ok=True)
    site.secrets.chmod(0o700)
    shutil.copytree(parts / GIT, site.state / GIT, dirs_exist_ok=True)
    shutil.copy(parts / PORTS, site.state / PORTS)
    if (parts / LOGS).exists():
        for old in site.logs.glob(f"{STORE}*"):
            old.unlink()
        shutil.copy(parts / LOGS, site.logs / STORE)


def _variables(site: Site) -> dict[str, str]:
    if not site.env_file.exists():
        raise StepFailed(f"{site.env_file} is not there: the platform does not run; run `make up` first")
    return read_shell_file(site)


def _cluster(site: Site, variables: dict[str, str]) -> Cluster:
    return Cluster(Path(variables["KUBECONFIG"]), site.bin / "kubectl")


@contextmanager
def _workplace(path: Path) -> Iterator[Path]:
    """A directory beside the backup, that its owner alone can read, and that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix=".previewcloud-", dir=path.absolute().parent) as work:
        yield Path(work)
