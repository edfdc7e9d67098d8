"""Building pinned Go programs: a folder with go.mod and go.sum in, a static binary out.

The go.mod names each program as a tool, so that its whole dependency tree is pinned by the go.sum beside it.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dev import cache, commands, downloads
from dev.progress import StepFailed
from dev.site import Site

BUILDS = Path(__file__).resolve().parent / "build"
OLDEST_GO = (1, 25)
GO_SITE = "https://go.dev/dl/"


@dataclass(frozen=True)
class GoProgram:
    """A program to build: the folder under dev/build, its package, and the version it reports."""

    name: str
    folder: str
    package: str
    version: str
    variables: tuple[str, ...] = ()

    @property
    def source(self) -> Path:
        """The folder that pins it."""
        return BUILDS / self.folder

    @property
    def key(self) -> str:
        """The cache key: version, machine and everything that is pinned."""
        return f"binaries/{self.name}-{self.version}-{machine()}-{cache.digest_of_files(self.source)}"


def machine() -> str:
    """Return this machine's architecture in Go's words.

    Raises:
        StepFailed: one for which nothing is published.
    """
    names = {"x86_64": "amd64", "aarch64": "arm64"}
    try:
        return names[platform.machine()]
    except KeyError as error:
        raise StepFailed(f"architecture {platform.machine()}: expected one of {', '.join(names)}") from error


def build(program: GoProgram, site: Site, target: Path, source: Path | None = None) -> None:
    """Build into the directory `target`; `source` is a prepared copy of the program's folder.

    Raises:
        StepFailed: no Go compiler, or the build failed.
    """
    values = " ".join(f"-X {variable}" for variable in program.variables)
    arguments = ["build", "-trimpath", "-buildvcs=false", "-ldflags", f"-s -w {values}"]
    commands.run(
        [
            compiler(site),
            "-C",
            source or program.source,
            *arguments,
            "-o",
            target / program.name,
            program.package,
        ],
        env={"CGO_ENABLED": "0"},
        hint="Go modules must be reachable (go env GOPROXY)",
    )


def module_folder(site: Site, module: str, outside: Path) -> Path:
    """Return where a module ("path@version") lies in the module cache, downloading it if need be.

    `outside` is a folder without a go.mod, whose replacements would count.
    """
    answer = commands.run([compiler(site), "-C", outside, "mod", "download", "-json", module])
    return Path(str(json.loads(answer)["Dir"]))


def compiler(site: Site) -> Path:
    """Return a Go compiler that is new enough: from PATH, or the official download.

    Raises:
        StepFailed: neither can be had.
    """
    for candidate in (shutil.which("go"), "/usr/local/go/bin/go"):
        if candidate and os.access(candidate, os.X_OK) and _recent(candidate):
            return Path(candidate)
    return cache.entry(site.cache, f"go/{machine()}", _download_go) / "go/bin/go"


def _recent(go: str) -> bool:
    found = re.search(r"go(\d+)\.(\d+)", commands.run([go, "version"]))
    return bool(found) and (int(found[1]), int(found[2])) >= OLDEST_GO if found else False


def _download_go(target: Path) -> None:
    wanted = ".".join(map(str, OLDEST_GO))
    try:
        releases: Sequence[dict[str, object]] = json.loads(downloads.fetch_text(f"{GO_SITE}?mode=json"))
        files = [dict(file) for release in releases for file in _files(release)]
        file = next(f for f in files if (f["os"], f["arch"], f["kind"]) == ("linux", machine(), "archive"))
    except (StepFailed, StopIteration) as error:
        raise StepFailed(
            f"Go {wanted} or later is needed and cannot be downloaded: put `go` on PATH"
        ) from error
    archive = target / "go.tar.gz"
    downloads.fetch(GO_SITE + file["filename"], archive, file["sha256"], "sha256")
    commands.run(["tar", "-C", target, "-xzf", archive])
    archive.unlink()


def _files(release: dict[str, object]) -> list[dict[str, str]]:
    files = release.get("files")
    return files if isinstance(files, list) else []
