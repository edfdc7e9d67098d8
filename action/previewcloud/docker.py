"""The runner's docker: images are built and pushed; no shell sees what a repository says.

A login stands in a copy of docker's settings that is gone afterwards. Docker's environment holds no inputs.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from previewcloud import commands
from previewcloud.failure import Failure
from previewcloud.images import Build
from previewcloud.inputs import Login

PUSHES = 3


@dataclass(frozen=True)
class Docker:
    """The docker on PATH, in an environment."""

    environ: Mapping[str, str]

    def build(self, build: Build) -> None:
        """Build an image; Failure when that fails."""
        command = ["build", "--tag", build.tag, "--file", str(build.dockerfile)]
        command += ["--target", build.target] if build.target else []
        for name, value in build.arguments.items():
            command += ["--build-arg", f"{name}={value}"]
        if self._run([*command, str(build.context)]) != 0:
            raise Failure(
                f"service {build.service}: the build of its image failed; its log stands above", "Build"
            )

    def push(self, build: Build) -> None:
        """Push an image, again when that fails at first; Failure when it does not work."""
        for _ in range(PUSHES):
            if self._run(["push", build.tag]) == 0:
                return
        raise Failure(
            f"service {build.service}: {build.tag} cannot be pushed; check registry, and its login's rights",
            "Push",
        )

    def log_in(self, login: Login) -> None:
        """Log in to a registry; Failure when it refuses."""
        command = ["login", login.server, "--username", login.username, "--password-stdin"]
        if self._run(command, login.password.encode()) != 0:
            raise Failure(f"{login.server} refuses registry-username and registry-password", "Registry")

    def _run(self, arguments: Sequence[str], stdin: bytes = b"") -> int:
        try:
            with commands.without_commands():
                return subprocess.run(
                    ["docker", *arguments], input=stdin, env=dict(self.environ), check=False
                ).returncode
        except OSError as error:
            raise Failure(f"docker cannot be run ({error.strerror}); use a runner that has it") from None


@contextmanager
def docker_for(environ: Mapping[str, str], login: Login | None) -> Iterator[Docker]:
    """Give the runner's docker, logged in while the block runs."""
    bare = {name: value for name, value in environ.items() if not name.startswith("INPUT_")}
    if login is None:
        yield Docker(bare)
        return
    own = environ.get("DOCKER_CONFIG") or str(Path(environ.get("HOME") or "/") / ".docker")
    with tempfile.TemporaryDirectory(prefix="previewcloud-") as name:
        _copy_settings(Path(own), Path(name), login.server)
        docker = Docker({**bare, "DOCKER_CONFIG": name})
        docker.log_in(login)
        yield docker


def _copy_settings(own: Path, copy: Path, server: str) -> None:
    """Keep other logins, plugins and contexts; the new login goes into this copy, and into no keychain."""
    try:
        settings = json.loads((own / "config.json").read_text())
    except (OSError, ValueError):
        settings = {}
    if isinstance(settings, dict):
        settings.pop("credsStore", None)
        keychains = settings.get("credHelpers")
        if isinstance(keychains, dict):
            keychains.pop(server, None)
        target = copy / "config.json"
        target.touch(mode=0o600)
        target.write_text(json.dumps(settings))
    for name in ("cli-plugins", "contexts", "buildx"):
        if (own / name).is_dir():
            (copy / name).symlink_to((own / name).resolve())
