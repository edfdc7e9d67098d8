"""A platform with a node, as `make up NODE=1` makes it, and what it leaves on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dev.docker_cli import DEFAULT_HOST, Docker
from dev.node import subnets
from dev.node.leftovers import hierarchies, words_of
from dev.node.place import NodePlace
from dev.node.release import NAMESPACE
from dev.sample import answers
from dev.site import Site, site_from

ROOT = Path(__file__).resolve().parents[3]
PAUSE_SECONDS = 0.05


@dataclass(frozen=True)
class Machine:
    """The commands of one platform, kubectl and helm against its cluster, docker against its engine."""

    state: Path

    @property
    def site(self) -> Site:
        """Where it lives."""
        return site_from({"PREVIEWCLOUD_STATE": str(self.state)}, ROOT)

    @property
    def docker(self) -> Docker:
        """The engine that previews run on."""
        return Docker(os.environ.get("DOCKER_HOST", DEFAULT_HOST))

    def dev(self, *arguments: str) -> str:
        """Run a command of the platform; what it says is in the error when it fails."""
        around = {name: value for name, value in os.environ.items() if name not in _OF_ANOTHER}
        return run(
            sys.executable, "-m", "dev", *arguments, env=around | {"PREVIEWCLOUD_STATE": str(self.state)}
        )

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Run kubectl."""
        return self._with_login("kubectl", *arguments, stdin=stdin)

    def helm(self, *arguments: str) -> str:
        """Run helm in the release's namespace."""
        return self._with_login("helm", "--namespace", NAMESPACE, *arguments)

    def pods(self, component: str) -> dict[str, int]:
        """Return the pods of operator or bridge that stay: name to restarts of its container."""
        selector = f"--selector=app.kubernetes.io/component={component}"
        found = json.loads(self.kubectl("get", "pods", "-n", NAMESPACE, selector, "-o", "json"))["items"]
        staying = [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]
        return {
            pod["metadata"]["name"]: sum(one["restartCount"] for one in pod["status"]["containerStatuses"])
            for pod in staying
            if pod["status"].get("containerStatuses")
        }

    def wait_for_pods(self) -> None:
        """Wait until operator and bridge are as their deployments want them, and ready."""
        for name in ("operator", "bridge"):
            rollout = ("rollout", "status", "-n", NAMESPACE, f"deployment/previewcloud-{name}")
            self.kubectl(*rollout, "--timeout=150s")

    def preview(self) -> tuple[str, dict[str, str]]:
        """Return the sample's UID, and its running containers: service to id and time of start."""
        labels = (f"previewcloud.installation={self.site.installation}", "previewcloud.service")
        filters = [f"--filter=label={label}" for label in labels]
        ids = self.docker("ps", "--quiet", "--no-trunc", *filters).split()
        line = '{{index .Config.Labels "previewcloud.service"}} {{.Id}} {{.State.StartedAt}}'
        described = self.docker("inspect", "--format", line, *ids) if ids else ""
        services = dict(one.split(" ", 1) for one in described.splitlines())
        return self.kubectl("get", "preview", "pr-1", "-o", "jsonpath={.metadata.uid}"), services

    def url(self) -> str:
        """Return the sample's URL."""
        return self.kubectl("get", "preview", "pr-1", "-o", "jsonpath={.status.url}")

    def _with_login(self, program: str, *arguments: str, stdin: str = "") -> str:
        env = {**os.environ, "KUBECONFIG": str(self.state / "kubeconfig")}
        return run(str(self.state / "bin" / program), *arguments, env=env, stdin=stdin)


_OF_ANOTHER = {"INSTALLATION_ID", "KUBECONFIG", "MONGODB_URL", "CLUSTER"}
"""What a shell, or a test run, has of the platform around it."""


@dataclass
class Requests:
    """Requests that were sent one after the other, and how many of them did not get their page."""

    sent: int = 0
    failed: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def run(self, url: str) -> None:
        """Send them until it is over."""
        while not self.over.wait(PAUSE_SECONDS):
            self.sent += 1
            self.failed += not answers(url)


@contextmanager
def requests_to(url: str) -> Iterator[Requests]:
    """Send requests to a preview while the block runs."""
    requests = Requests()
    thread = threading.Thread(target=requests.run, args=(url,))
    thread.start()
    try:
        yield requests
    finally:
        requests.over.set()
        thread.join()


def place_of(machine: Machine) -> NodePlace:
    """Return the names of its node."""
    return NodePlace(machine.site, subnets.ensure(machine.state / subnets.FILE, machine.site.installation))


def traces(place: NodePlace) -> list[str]:
    """Return what of a node is to be seen on this machine: processes, mounts, groups, links, rules, files."""
    names = (str(place.site.state), str(place.run))
    lines = [b" ".join(words_of(path)).decode() for path in _command_lines()]
    processes = [f"process {line}" for line in lines if any(name in line for name in names)]
    mounts = [
        line
        for line in Path("/proc/self/mountinfo").read_text().splitlines()
        if any(n in line for n in names)
    ]
    groups = [str(group / place.cgroup) for group in hierarchies() if (group / place.cgroup).exists()]
    links = [f"link {place.bridge}"] if Path(f"/sys/class/net/{place.bridge}").exists() else []
    rules = [line for line in run("iptables-save").splitlines() if place.chains in line]
    results = [str(path) for path in Path("/var/lib/cni/results").glob(f"{place.bridge}-*")]
    files = [str(path) for path in (place.run, place.folder) if path.exists()]
    return [*processes, *mounts, *groups, *links, *rules, *results, *files]


def _command_lines() -> list[Path]:
    own = str(os.getpid())
    return [
        path for path in Path("/proc").glob("[0-9]*/cmdline") if path.parent.name != own and path.exists()
    ]


def run(*command: str, env: dict[str, str] | None = None, stdin: str = "") -> str:
    """Run a command to its end and return its output; all it said is in the error."""
    ended = subprocess.run(
        command, cwd=ROOT, env=env, input=stdin, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, f"{command[:6]}: {ended.stdout}{ended.stderr}"
    return ended.stdout
