"""A workflow run by act, as GitHub's runner would: an event goes in, outputs and the log come out."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integration.operator.space import Repository

ACTION = Path(__file__).resolve().parents[3] / "action"
RUN_SECONDS = 150.0
SECRET, PASSWORD = "planted-5b1c77e0", "planted-d2a90f34"
WORKFLOW = """
name: Preview
on:
  pull_request:
    types: [opened, reopened, synchronize, closed]
jobs:
  preview:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - id: preview
        uses: ./action
        with:
          api-token: ${{ secrets.PREVIEWCLOUD_TOKEN }}
          api-url: ${{ vars.PREVIEWCLOUD_URL }}
          registry: ${{ vars.REGISTRY }}
          registry-username: ci
          registry-password: ${{ secrets.REGISTRY_PASSWORD }}
          timeout: "120"
          secrets: |
            # kept out of the log
            API_TOKEN=${{ secrets.API_TOKEN }}
      - if: always()
        run: printf %s "$OUTPUTS" > "$RECORD"
        env:
          OUTPUTS: ${{ toJSON(steps.preview.outputs) }}
"""


@dataclass(frozen=True)
class Run:
    """How a workflow ended."""

    ok: bool
    log: str
    outputs: Mapping[str, str]


class Runner:
    """A runner of its own: home, caches and settings below one directory; it asks no network for anything."""

    def __init__(self, folder: Path, env: Mapping[str, str], url: str, token: str, registry: str) -> None:
        self._folder, self._checkout = folder, folder / "checkout"
        self._record, self._home = folder / "outputs.json", folder / "home"
        self._home.mkdir(parents=True)
        self._variables = {"PREVIEWCLOUD_URL": url, "REGISTRY": registry}
        self._environ = {
            "PATH": env["PATH"],
            "HOME": str(self._home),
            "XDG_CACHE_HOME": str(self._home / "cache"),
            "XDG_CONFIG_HOME": str(self._home / "config"),
            "PREVIEWCLOUD_TOKEN": token,
            "API_TOKEN": SECRET,
            "REGISTRY_PASSWORD": PASSWORD,
        }
        self._docker = env.get("DOCKER_HOST", "unix:///var/run/docker.sock")

    def check_out(self, repository: Repository, commit: str) -> None:
        """Have the repository's files of a commit, with the workflow and the Action among them."""
        shutil.rmtree(self._checkout, ignore_errors=True)
        git = ("git", "-C", str(self._checkout))
        subprocess.run(["git", "clone", "-q", repository.url, str(self._checkout)], check=True)
        subprocess.run([*git, "checkout", "-q", commit], check=True)
        shutil.copytree(ACTION, self._checkout / "action", ignore=shutil.ignore_patterns("__pycache__"))
        workflows = self._checkout / ".github/workflows"
        workflows.mkdir(parents=True)
        (workflows / "preview.yml").write_text(WORKFLOW)

    def left_logins(self) -> list[str]:
        """Where docker keeps logins on this runner, after all."""
        found = [*self._home.rglob("config.json"), *self._home.rglob(".dockerconfigjson")]
        return [str(path) for path in found if "auth" in path.read_text()]

    async def run(self, event: Mapping[str, Any], repository: Repository) -> Run:
        """Run the workflow for an event of a pull request."""
        path = self._folder / "event.json"
        path.write_text(json.dumps(event))
        self._record.unlink(missing_ok=True)
        command = ["act", "pull_request", "-P", "ubuntu-latest=-self-hosted", "-e", str(path)]
        command += ["--action-cache-path", str(self._home / "actions"), "--no-cache-server"]
        command += [f"--var={name}={value}" for name, value in self._variables.items()]
        for name in ("PREVIEWCLOUD_TOKEN", "API_TOKEN", "REGISTRY_PASSWORD"):
            command += ["-s", name]  # by its value in the environment
        given = {
            "DOCKER_HOST": self._docker,
            "GITHUB_REPOSITORY": repository.name,
            "HOME": str(self._home),
            "RECORD": str(self._record),
        }
        command += [f"--env={name}={value}" for name, value in given.items()]
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=self._checkout,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            log, _ = await asyncio.wait_for(process.communicate(), RUN_SECONDS)
        finally:
            if process.returncode is None:
                os.killpg(process.pid, 9)
                await process.wait()
        outputs = json.loads(self._record.read_text()) if self._record.exists() else {}
        return Run(process.returncode == 0, log.decode(errors="replace"), outputs)


def remove_images(registry: str) -> None:
    """Take from the engine what was built for a registry, or pulled from it."""
    listed = ("docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
    ours = ("--filter", f"reference={registry}/*")
    found = subprocess.run([*listed, *ours], capture_output=True, text=True, check=True).stdout.split()
    if found:
        subprocess.run(["docker", "image", "rm", "--force", *found], capture_output=True, check=True)
