"""Running other programs: arguments in, their output out, their last words in the error."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from dev.progress import StepFailed

LAST_WORDS = 25


def run(
    arguments: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    timeout: float | None = None,
    hint: str = "",
) -> str:
    """Run a program to its end and return its standard output.

    `env` is added to this environment; `timeout` is in seconds; `hint` says what to do when it fails.

    Raises:
        StepFailed: it is not there, too slow or exited with an error; the message ends in its last lines.
    """
    command = [str(argument) for argument in arguments]
    try:
        ended = subprocess.run(
            command,
            env={**os.environ, **(env or {})},
            input=stdin if stdin is not None else b"",
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as error:
        raise StepFailed(_sentence(f"{command[0]}: not found on PATH", hint)) from error
    except subprocess.TimeoutExpired as error:
        raise StepFailed(_sentence(f"{shlex.join(command[:4])}: no end after {timeout:g} s", hint)) from error
    if ended.returncode:
        output = (ended.stderr + ended.stdout).decode(errors="replace").strip().splitlines()
        words = "\n    ".join(output[-LAST_WORDS:])
        raise StepFailed(
            _sentence(f"{shlex.join(command[:6])}: exit {ended.returncode}", hint) + f"\n    {words}"
        )
    return ended.stdout.decode(errors="replace")


def succeeds(arguments: Sequence[str | Path], *, timeout: float | None = None) -> bool:
    """Tell whether a program exits with 0; False too where it is missing or slower than `timeout` seconds."""
    try:
        run(arguments, timeout=timeout)
    except StepFailed:
        return False
    return True


def install_packages(commands_to_packages: Mapping[str, str]) -> list[str]:
    """Install the Debian packages whose command is missing; return those that were installed.

    Raises:
        StepFailed: something is missing and this user cannot install it.
    """
    missing = sorted({package for name, package in commands_to_packages.items() if not on_path(name)})
    if not missing:
        return []
    by_hand = f"run as root: apt-get install {' '.join(missing)}"
    if os.geteuid() != 0 or not on_path("apt-get"):
        raise StepFailed(f"missing packages: {', '.join(missing)}; {by_hand}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing]
    if not _installs(install, quiet):
        run(["apt-get", "update", "-q"], env=quiet, hint="check the machine's apt sources")
        run(install, env=quiet, hint=by_hand)
    return missing


def on_path(name: str) -> bool:
    """Tell whether a command exists, also in the system directories a user's PATH may lack."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


def _installs(install: Sequence[str], env: Mapping[str, str]) -> bool:
    try:
        run(install, env=env)
    except StepFailed:
        return False
    return True


def _sentence(what: str, hint: str) -> str:
    return f"{what}; {hint}" if hint else what
