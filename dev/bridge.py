"""The bridge on this machine: its settings written, its process started, waited for until it is ready."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from dev import cache, downloads
from dev.environment import write_settings_file
from dev.processes import Processes, Program
from dev.progress import Progress
from dev.site import Site

BRIDGE = "bridge"
READY_SECONDS = 60.0
OF_THE_CALLER = ("GITHUB_TOKEN", "GITHUB_API_URL")


def ensure(site: Site, settings: Mapping[str, str], progress: Progress) -> None:
    """Run the bridge with these settings; it is replaced when they or its code changed.

    Raises:
        StepFailed: it does not become ready.
    """
    write_settings_file(site.state / "bridge.env", settings)
    code = cache.digest_of_files(site.checkout / "webhook", site.checkout / "controller")
    env = {**settings, "PYTHONPATH": str(site.checkout), "PYTHONUNBUFFERED": "1"}
    program = Program(BRIDGE, (sys.executable, "-m", "webhook"), env, code, site.checkout)
    processes = Processes(site.pids, site.logs)
    outcome = processes.ensure(program)
    ready = f"{settings['BRIDGE_URL']}/readyz"
    processes.wait_until(lambda: downloads.succeeds(ready), READY_SECONDS, BRIDGE)
    progress.done("bridge", f"{settings['BRIDGE_URL']}, {outcome}, log {processes.log(BRIDGE)}")


def of_the_caller(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of GitHub's API that the caller's environment has; without them the bridge does
    without that API.
    """
    return {name: environ[name] for name in OF_THE_CALLER if environ.get(name)}
