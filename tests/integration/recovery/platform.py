"""A whole platform of a test run's own, whose parts can be lost one by one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from dev.cluster import Cluster
from dev.operator import OPERATOR
from dev.processes import Processes, Program, last_lines, until
from dev.site import Site, site_from

CHECKOUT = Path(__file__).resolve().parents[3]
API_SERVER = ("kube-controller-manager", "kube-apiserver", "etcd")
ENDS_SECONDS = 15.0
QUICK = {"RESYNC_INTERVAL": "3", "START_TIMEOUT": "30", "STOP_GRACE": "3", "ACCESS_INTERVAL": "5"}
"""Settings of its operator under which drift is seen soon."""


class Platform:
    """One platform.

    Args:
        state: its directory; installation and ports follow from it.
    """

    def __init__(self, state: Path) -> None:
        self._environ = {**os.environ, "PREVIEWCLOUD_STATE": str(state), "CLUSTER": "local"}
        self._environ.pop("INSTALLATION_ID", None)
        self.site: Site = site_from(self._environ, CHECKOUT)
        self._processes = Processes(self.site.pids, self.site.logs)

    def dev(self, *arguments: str) -> str:
        """A command of `python -m dev` that succeeds; what it said."""
        ended = self.try_dev(*arguments)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def try_dev(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of `python -m dev`, however it ends."""
        command = [sys.executable, "-m", "dev", *arguments]
        return subprocess.run(
            command, env=self._environ, cwd=CHECKOUT, capture_output=True, text=True, check=False
        )

    def up(self, *arguments: str) -> None:
        """Bring it up, without operator and bridge unless told otherwise."""
        self.dev("up", "--no-sample", *(arguments or ("--no-operator",)))

    @cached_property
    def env(self) -> Mapping[str, str]:
        """Its addresses; the same for its whole life, since they follow from the directory."""
        found: dict[str, str] = json.loads(self.dev("env", "--json"))
        return found

    @property
    def cluster(self) -> Cluster:
        """Its API server."""
        return Cluster(self.site.kubeconfig, self.site.bin / "kubectl")

    def start_operator(self, **settings: str) -> None:
        """Run an operator as `up` does, with some settings changed."""
        env = {
            **self.env,
            **QUICK,
            **settings,
            "PYTHONPATH": str(CHECKOUT),
            "PYTHONUNBUFFERED": "1",
        }
        command = (sys.executable, "-m", "controller")
        self._processes.ensure(Program(OPERATOR, command, env, cwd=CHECKOUT))

    def stop_operator(self) -> None:
        """End it in order."""
        self._processes.stop(OPERATOR)

    def kill_operator(self) -> None:
        """End it with SIGKILL, as when its machine is gone."""
        running = self._processes.known(OPERATOR)
        assert running is not None and running.alive()
        os.kill(running.pid, signal.SIGKILL)
        assert until(lambda: not running.alive(), ENDS_SECONDS)

    def lose_operator_disk(self) -> None:
        """What an operator keeps on its own disk goes: commits, and all logs of previews."""
        shutil.rmtree(self.site.state / "cache", ignore_errors=True)
        for path in self.site.logs.glob("previews.db*"):
            path.unlink()

    def stop_api_server(self) -> None:
        """End the API server and what belongs to it."""
        for name in API_SERVER:
            self._processes.stop(name)

    def lose_etcd(self) -> None:
        """The API server forgets everything; what comes up again at its address is empty."""
        self.stop_api_server()
        shutil.rmtree(self.site.state / "etcd")
        self.up()

    def log(self, lines: int = 40) -> str:
        """The end of its operator's log."""
        return "\n".join(last_lines(self._processes.log(OPERATOR), lines))

    def down(self) -> None:
        """Take it away."""
        self.dev("down")
