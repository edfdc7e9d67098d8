"""What a node leaves on the machine when its programs are gone: shims, mounts, control groups, links."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from dev import commands
from dev.node.place import NodePlace
from dev.processes import until

CGROUPS = Path("/sys/fs/cgroup")
LOG_LINKS = Path("/var/log/containers")
DEVICES = Path("/var/lib/kubelet/device-plugins")
NETWORKS = Path("/var/lib/cni/results")
SHARED = (LOG_LINKS, DEVICES, DEVICES.parent, NETWORKS, NETWORKS.parent)
"""Where kubelet and network plugins write whatever they are told; others' may be there too."""
PROC = Path("/proc")
GONE_SECONDS = 15.0


def remove(place: NodePlace) -> None:
    """Remove all of it; what is not there is not missed."""
    _end_processes(place)
    _unmount(place.run, place.folder)
    _remove_cgroups(place)
    for path in _strays(place):
        path.unlink()
    for folder in (place.run, place.folder):
        shutil.rmtree(folder, ignore_errors=True)
    for folder in (place.run.parent, *SHARED):
        with suppress(OSError):  # others' are in it, or it was never there
            folder.rmdir()


def ensure_cgroup(place: NodePlace) -> None:
    """Make the control group that the kubelet expects to find, in every hierarchy."""
    for hierarchy in hierarchies():
        (hierarchy / place.cgroup).mkdir(exist_ok=True)


def hierarchies() -> list[Path]:
    """Return the roots of control groups: one with cgroup v2, one per controller with v1."""
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS]
    return sorted(path for path in CGROUPS.iterdir() if path.is_dir() and not path.is_symlink())


def _strays(place: NodePlace) -> Iterator[Path]:
    for link in LOG_LINKS.glob("*.log"):
        if link.is_symlink() and link.readlink().is_relative_to(place.pod_logs):
            yield link
    for result in NETWORKS.glob(f"{place.bridge}-*-eth0"):
        sandbox = result.name.removeprefix(f"{place.bridge}-").removesuffix("-eth0")
        yield from (path for path in NETWORKS.glob(f"*-{sandbox}-*"))
    kubelets = DEVICES / "kubelet.sock"
    if kubelets.is_socket() and not _listens(kubelets):
        yield kubelets


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _end_processes(place: NodePlace) -> None:
    """Shims name the socket of their containerd; containers are in the node's control group."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in _pids(place):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        if until(lambda: not _pids(place), GONE_SECONDS):
            return


def _pids(place: NodePlace) -> set[int]:
    listener = str(place.socket).encode()
    shims = {int(path.parent.name) for path in PROC.glob("[0-9]*/cmdline") if listener in words_of(path)}
    return shims | {pid for group in _cgroups(place) for pid in _members(group)}


def words_of(path: Path) -> list[bytes]:
    """Return the words of a process's command line, by its file in /proc; none once it has ended."""
    try:
        return path.read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def _members(group: Path) -> Iterator[int]:
    try:
        yield from map(int, (group / "cgroup.procs").read_text().split())
    except OSError:  # the group went meanwhile
        return


def _cgroups(place: NodePlace) -> list[Path]:
    """The node's control groups, the innermost first."""
    roots = [hierarchy / place.cgroup for hierarchy in hierarchies()]
    return [Path(folder) for root in roots for folder, _, _ in os.walk(root, topdown=False)]


def _remove_cgroups(place: NodePlace) -> None:
    until(lambda: not any(_emptied(group) for group in _cgroups(place)), GONE_SECONDS)


def _emptied(group: Path) -> bool:
    """Remove a control group; tell whether it is still there, as it is for a moment after its processes."""
    with suppress(OSError):
        group.rmdir()
    return group.exists()


def _unmount(*folders: Path) -> None:
    points = [line.split()[4] for line in (PROC / "self/mountinfo").read_text().splitlines()]
    inside = [point for point in points if any(Path(point).is_relative_to(folder) for folder in folders)]
    for point in sorted(inside, key=len, reverse=True):
        commands.succeeds(["umount", "--lazy", point])
