"""The machine's npm registry, for images that install packages: read from npm's settings at run time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from dev.rootfs import AUTHORITIES


def registry(environ: Mapping[str, str], settings: str) -> str:
    """Return the registry that the environment or npm's settings (an .npmrc's text) name, else nothing."""
    for name, value in environ.items():
        if name.lower() == "npm_config_registry" and value:
            return value
    found = re.findall(r"^\s*registry\s*=\s*[\"']?([^\s\"']+)", settings, re.MULTILINE)
    return found[-1] if found else ""


def build_options(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the options of a build that installs packages."""
    file = Path(environ.get("NPM_CONFIG_USERCONFIG") or Path(environ.get("HOME") or "/root") / ".npmrc")
    found = registry(environ, file.read_text() if file.is_file() else "")
    return (f"--build-arg=NPM_REGISTRY={found}",) if found else ()


def build_files() -> dict[str, Path]:
    """Return what such a build needs beside its folder: whom this machine trusts."""
    return {"authorities.pem": AUTHORITIES.resolve()} if AUTHORITIES.exists() else {}
