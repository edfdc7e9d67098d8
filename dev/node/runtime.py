"""The containers of the node: a containerd beside the machine's own, with its own root, state and socket."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from dev import cache, commands, packages, rootfs
from dev.docker_cli import IMAGE_RECIPE_LABEL, Docker
from dev.node.place import NAMESPACE, NodePlace
from dev.processes import Processes, Program, until
from dev.progress import Progress

DAEMON = "node-containerd"
PACKAGES = ("busybox-static", "containerd", "containernetworking-plugins", "runc")
PAUSE = "previewcloud/pause:1"
HUB = "docker.io"
READY_SECONDS = 30.0
GRACE_SECONDS = 10.0
CONFIGURATION = """\
version = 2
root = "{folder}/containerd"
state = "{run}/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]

[grpc]
address = "{socket}"

[plugins."io.containerd.internal.v1.opt"]
path = "{folder}/opt"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
# Where this machine may not lower a score, every pod would fail.
restrict_oom_score_adj = true
# What is mounted lies below the state directory, and goes with it.
netns_mounts_under_state_dir = true
stream_server_address = "127.0.0.1"
stream_server_port = "0"

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{files}/usr/lib/cni"
conf_dir = "{folder}/cni"

[plugins."io.containerd.grpc.v1.cri".containerd]
default_runtime_name = "runc"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
BinaryName = "{files}/usr/sbin/runc"
SystemdCgroup = false
"""


@dataclass(frozen=True)
class Runtime:
    """The containerd of one node, and the unpacked packages that it is made of."""

    place: NodePlace
    files: Path

    def ensure(self, processes: Processes, docker: Docker) -> None:
        """Make it run as it should and answer.

        Raises:
            StepFailed: it does not come up.
        """
        config = self.place.folder / "containerd.toml"
        config.write_text(self.configuration())
        network = self.place.folder / "cni/10-pods.conf"
        network.parent.mkdir(exist_ok=True)
        network.write_text(network_of(self.place))
        path = f"{self.files}/usr/bin:{self.files}/usr/sbin:{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
        command = (str(self.files / "usr/bin/containerd"), "--config", str(config), "--log-level", "warn")
        version = cache.digest_of_files(config, network)
        processes.ensure(Program(DAEMON, command, {"PATH": path}, version))
        processes.wait_until(self.answers, READY_SECONDS, DAEMON)
        for_people = self.place.site.bin / "ctr"
        for_people.unlink(missing_ok=True)
        for_people.symlink_to(self.files / "usr/bin/ctr")
        if not self.has(PAUSE):
            _make_pause(docker, self.files / "bin/busybox")
            self.bring(docker, PAUSE)

    def configuration(self) -> str:
        """Return its configuration file."""
        place, pause = self.place, f"{HUB}/{PAUSE}"
        return CONFIGURATION.format(
            folder=place.folder, run=place.run, socket=place.socket, pause=pause, files=self.files
        )

    def answers(self) -> bool:
        """Tell whether it does."""
        return self.place.socket.exists() and commands.succeeds(self._ctr("version"), timeout=10)

    def has(self, image: str) -> bool:
        """Tell whether an image is there; its name is as Docker has it."""
        return f"{HUB}/{image}" in self("images", "ls", "-q").split()

    def bring(self, docker: Docker, image: str) -> None:
        """Copy an image from the engine, under its own name."""
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder) / "image.tar"
            docker("save", "--output", str(archive), image)
            self("images", "import", str(archive))

    def stop_containers(self) -> None:
        """End every container, with time to tidy up, and remove it."""
        for signal in ("SIGTERM", "SIGKILL"):
            for container in self._running():
                commands.succeeds(self._ctr("tasks", "kill", "--signal", signal, container))
            until(lambda: not self._running(), GRACE_SECONDS)
        for container in self("containers", "ls", "-q").split():
            commands.succeeds(self._ctr("tasks", "rm", "--force", container))
            commands.succeeds(self._ctr("containers", "rm", container))

    def _running(self) -> list[str]:
        rows = (line.split() for line in self("tasks", "ls").splitlines())
        return [row[0] for row in rows if row[-1:] == ["RUNNING"]]

    def __call__(self, *arguments: str) -> str:
        """Run `ctr` with some arguments and return its output; raises StepFailed."""
        return commands.run(self._ctr(*arguments))

    def _ctr(self, *arguments: str) -> list[str | Path]:
        own = ("--address", self.place.socket, "--namespace", NAMESPACE)
        return [self.files / "usr/bin/ctr", *own, *arguments]


def runtime(place: NodePlace, progress: Progress) -> Runtime:
    """Return the node's containerd, its packages unpacked; StepFailed where they cannot be had."""
    return Runtime(place, packages.unpacked(place.site, PACKAGES, progress))


def network_of(place: NodePlace) -> str:
    """Return the configuration of the pods' network. What leaves it is masqueraded by the node's own firewall
    chains, since a plugin's rules would stay behind when a pod was not taken down in order.
    """
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": place.subnets.pods}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": str(place.folder / "addresses"),
    }
    bridge = {"type": "bridge", "bridge": place.bridge, "isGateway": True, "hairpinMode": True}
    network = {"cniVersion": "0.4.0", "name": place.bridge, **bridge, "ipam": addresses}
    return json.dumps(network, indent=2) + "\n"


def _make_pause(docker: Docker, busybox: Path) -> None:
    """The container that holds a pod together does nothing: a static busybox that sleeps until it is told."""
    archive = rootfs.archive_of_binary(busybox, "/busybox")
    sleep = ["/busybox", "sh", "-c", "trap 'exit 0' TERM; /busybox sleep infinity & wait"]
    changes = (f"ENTRYPOINT {json.dumps(sleep)}", f"LABEL {IMAGE_RECIPE_LABEL}={PAUSE}")
    options = [option for change in changes for option in ("--change", change)]
    try:
        docker("import", *options, str(archive), PAUSE)
    finally:
        archive.unlink()
