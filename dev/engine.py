"""The Docker engine: one that answers is used as it is; else Debian's is installed and started.

Without systemd the daemon is started by hand. Such an engine belongs to the machine, not to one
platform: every platform that uses it leaves a file in the run directory, and the last one to go stops
it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dev import cache, commands
from dev.docker_cli import DEFAULT_HOST, Docker
from dev.processes import Processes, Program
from dev.progress import Progress, StepFailed
from dev.site import Site

RUN = Path("/run/previewcloud")
LOGS = Path("/var/log/previewcloud")
DAEMON = "dockerd"
PROCESSES = Processes(RUN, LOGS)
START_SECONDS = 60.0
PACKAGES = {"dockerd": "docker.io", "docker": "docker.io", "iptables": "iptables"}


def docker_from(environ: Mapping[str, str]) -> Docker:
    """Return the engine that DOCKER_HOST names, else the machine's own."""
    return Docker(environ.get("DOCKER_HOST") or DEFAULT_HOST)


def ensure(site: Site, docker: Docker, progress: Progress) -> None:
    """Make an engine answer.

    Raises:
        StepFailed: there is none and this user cannot start one.
    """
    if docker.answers():
        progress.done("Docker engine", _version(docker))
        _register(site)
        return
    if docker.host != DEFAULT_HOST:
        raise StepFailed(f"DOCKER_HOST={docker.host}: no engine answers there; start it or unset DOCKER_HOST")
    if os.geteuid() != 0:
        raise StepFailed(
            "no Docker engine answers and only root can start one; run `sudo make up`, or start it and add"
            " yourself to the group docker (sudo usermod -aG docker $USER, then log in again)"
        )
    with progress.step("Docker engine: installing and starting") as step, cache.locked(RUN / "engine.lock"):
        commands.install_packages(PACKAGES)
        if not docker.answers():
            _start(docker)
        step.note = _version(docker)
    _register(site)


def release(site: Site, docker: Docker, progress: Progress) -> None:
    """Give the engine up; stop it when it was started here and nobody uses it any more."""
    if not RUN.is_dir() or not os.access(RUN, os.W_OK):
        return
    with cache.locked(RUN / "engine.lock"):
        (RUN / "users" / site.installation).unlink(missing_ok=True)
        if PROCESSES.known(DAEMON) is None:
            return
        if any((RUN / "users").glob("*")) or (docker.answers() and docker("container", "ls", "-q")):
            progress.done("Docker engine left running", "others still use it")
            return
        with progress.step("stopping the Docker engine"):
            PROCESSES.stop(DAEMON)


def _start(docker: Docker) -> None:
    if Path("/run/systemd/system").is_dir():
        commands.run(["systemctl", "enable", "--now", "docker"], hint="read `journalctl -u docker`")
    else:
        LOGS.mkdir(parents=True, exist_ok=True)
        command = ("dockerd", "--host", DEFAULT_HOST, "--log-level", "warn")
        path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
        PROCESSES.ensure(Program(DAEMON, command, {"PATH": path}))
    PROCESSES.wait_until(docker.answers, START_SECONDS, DAEMON)


def _register(site: Site) -> None:
    """Note that this platform uses the engine that was started here; a system's own engine needs no note."""
    if PROCESSES.known(DAEMON) and os.access(RUN, os.W_OK):
        (RUN / "users").mkdir(exist_ok=True)
        (RUN / "users" / site.installation).write_text(f"{site.state}\n")


def _version(docker: Docker) -> str:
    return docker("version", "--format", "{{.Server.Version}}")
