"""A container of the product's image, run as docs/image.md says: only its volumes may be written."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.docker_cli import Docker
from dev.progress import StepFailed

HARDENED = (
    *("--read-only", "--tmpfs", "/tmp:mode=1777", "--cap-drop", "ALL"),
    *("--security-opt", "no-new-privileges", "--pids-limit", "200"),
)
VOLUMES = ("--volume", "/var/lib/previewcloud", "--volume", "/var/cache/previewcloud")
OPERATOR, BRIDGE = ("python", "-m", "controller"), ("python", "-m", "webhook")
SOCKET = Path("/var/run/docker.sock")
STOP_SECONDS = 20


@dataclass(frozen=True)
class Image:
    """The image on the engine, by its id: another checkout may take the tag meanwhile."""

    docker: Docker
    tag: str
    id: str

    def described(self) -> dict[str, Any]:
        """What the engine knows of it."""
        found: list[dict[str, Any]] = json.loads(self.docker("image", "inspect", self.id))
        return found[0]

    def run(self, *command: str, options: tuple[str, ...] = ()) -> str:
        """The output of a command in a container of its own."""
        return self.docker("run", "--rm", *HARDENED, *options, self.id, *command)

    def shell(self, script: str) -> str:
        """The output of a shell in it as root, which sees everything."""
        return self.docker("run", "--rm", "--user", "0", "--entrypoint", "sh", self.id, "-ec", script)


@dataclass(frozen=True)
class Contained:
    """A running container."""

    docker: Docker
    id: str

    @classmethod
    def start(cls, image: Image, command: tuple[str, ...], *options: str) -> Contained:
        """Run a command; without one the image's own."""
        options = (*HARDENED, *VOLUMES, *options)
        return cls(image.docker, image.docker("run", "--detach", *options, image.id, *command))

    def inside(self, *command: str) -> str:
        """The output of a command beside its own; raises StepFailed."""
        return self.docker("exec", self.id, *command)

    def succeeds(self, *command: str) -> bool:
        """Whether a command beside its own exits with 0."""
        try:
            self.inside(*command)
        except StepFailed:
            return False
        return True

    def state(self, field: str) -> str:
        """A field of its state, in the engine's words."""
        return self.docker("container", "inspect", "--format", f"{{{{.State.{field}}}}}", self.id)

    def log(self) -> str:
        """The end of what it said."""
        told = subprocess.run(
            ["docker", "--host", self.docker.host, "logs", "--tail", "40", self.id],
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return told.stdout + self.state("Status")

    def stop(self) -> int:
        """Ask it to end, by the image's own signal; its exit code, 137 when it had to be killed."""
        self.docker("stop", "--time", str(STOP_SECONDS), self.id)
        return int(self.state("ExitCode"))

    def remove(self) -> None:
        """Remove it with its volumes."""
        self.docker("rm", "--force", "--volumes", self.id)


def on_the_host(settings: Mapping[str, str], files: Mapping[str, str], folder: Path) -> tuple[str, ...]:
    """Options for a container that is what a process on this machine would be: the host's network and engine.

    Args:
        settings: variables with their values.
        files: variables that name a file, with its text.
        folder: where such files are kept, readable for everybody.
    """
    engine = ["--volume", f"{SOCKET}:{SOCKET}", "--group-add", str(SOCKET.stat().st_gid)]
    options = ["--network", "host", *engine]
    for name, text in files.items():
        file, inside = folder / name, f"/etc/previewcloud/{name}"
        file.write_text(text)
        file.chmod(0o644)
        options += ["--volume", f"{file}:{inside}:ro", "--env", f"{name}={inside}"]
    return (*options, *(part for name, value in settings.items() for part in ("--env", f"{name}={value}")))
