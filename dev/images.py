"""The platform's images: pulled where a registry answers, else made from the machine's package sources.

Names go in, the tag to use comes out. An image made here carries the key of its recipe as a label and is
made again when that changes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dev import cache, downloads, rootfs
from dev.docker_cli import IMAGE_RECIPE_LABEL, Docker
from dev.gobuild import BUILDS, GoProgram
from dev.progress import Progress, StepFailed
from dev.site import Site

REGISTRY = "https://registry-1.docker.io/v2/"
PULL_SECONDS = 900.0

BASE = "debian:bookworm-slim"
TOOLS = "previewcloud/tools:1"
POSTGRES, OWN_POSTGRES = "postgres:17", "previewcloud/postgres:15"
TRAEFIK_VERSION = "3.6.12"
TRAEFIK, OWN_TRAEFIK = f"traefik:v{TRAEFIK_VERSION}", f"previewcloud/traefik:{TRAEFIK_VERSION}"
FRONTEND = "docker/dockerfile:1"

Build = Callable[[GoProgram], Path]


@dataclass(frozen=True)
class Images:
    """Makes images on one engine. Each method returns the tag to use, or raises StepFailed."""

    site: Site
    docker: Docker
    progress: Progress

    @cached_property
    def registry(self) -> bool:
        """Whether an image registry answers; asked once in a run."""
        return downloads.answers(REGISTRY)

    def base(self) -> str:
        """The Debian image that examples build on."""
        if self.docker.has("image", BASE):
            return BASE
        if self._pulled(BASE):
            return BASE
        with self.progress.step(f"image {BASE}: bootstrapping Debian"), self._once("base"):
            archive = cache.entry(self.site.cache, rootfs.key(), rootfs.build) / rootfs.ARCHIVE
            self._import(archive, BASE, ('CMD ["bash"]',))
        return BASE

    def tools(self) -> str:
        """An image with iptables and ip, for the engine's set-up."""
        return self._dockerfile(TOOLS, self.site.checkout / "controller/engine/tools")

    def postgres(self) -> str:
        """PostgreSQL, server and client."""
        if self.docker.has("image", OWN_POSTGRES) or not self._available(POSTGRES):
            return self._dockerfile(OWN_POSTGRES, BUILDS / "postgres")
        return POSTGRES

    def traefik(self, build: Build) -> str:
        """Traefik, built here where no registry answers."""
        if self.docker.has("image", OWN_TRAEFIK) or not self._available(TRAEFIK):
            return self._binary(OWN_TRAEFIK, traefik_program(), build)
        return TRAEFIK

    def frontend(self, build: Build) -> None:
        """Make `# syntax=docker/dockerfile:1` work where BuildKit could not pull it."""
        if not (self.docker.has("image", FRONTEND) or self.registry):
            self._binary(FRONTEND, frontend_program(), build)

    def _available(self, tag: str) -> bool:
        return self.docker.has("image", tag) or self._pulled(tag)

    def _pulled(self, tag: str) -> bool:
        if not self.registry:
            return False
        try:
            with self.progress.step(f"image {tag}: pulling"):
                self.docker("pull", "--quiet", tag, timeout=PULL_SECONDS)
        except StepFailed as error:
            self.progress.say(f"        {error}; making one instead")
            return False
        return True

    def _dockerfile(self, tag: str, folder: Path) -> str:
        """Build a tag from a folder of ours, over the base image, unless that recipe is already there."""
        self.base()
        recipe = cache.digest_of_files(folder)
        if self.docker.label("image", tag, IMAGE_RECIPE_LABEL) == recipe:
            return tag
        with self.progress.step(f"image {tag}: building"), self._once(folder.name):
            label = f"--label={IMAGE_RECIPE_LABEL}={recipe}"
            self.docker("build", "--quiet", "--tag", tag, label, str(folder), timeout=PULL_SECONDS)
        return tag

    def _binary(self, tag: str, program: GoProgram, build: Build) -> str:
        """Make an image of one static binary and the machine's certificate authorities, for its TLS."""
        recipe = Path(program.key).name
        if self.docker.label("image", tag, IMAGE_RECIPE_LABEL) == recipe:
            return tag
        binary = build(program)
        with self.progress.step(f"image {tag}: importing"), self._once(program.name):
            archive = rootfs.archive_of_binary(binary, f"/{program.name}")
            try:
                changes = (f'ENTRYPOINT ["/{program.name}"]', f"LABEL {IMAGE_RECIPE_LABEL}={recipe}")
                self._import(archive, tag, changes)
            finally:
                archive.unlink()
        return tag

    def _import(self, archive: Path, tag: str, changes: tuple[str, ...]) -> None:
        options = [option for change in changes for option in ("--change", change)]
        self.docker("import", *options, str(archive), tag)

    def _once(self, name: str) -> AbstractContextManager[None]:
        """Let platforms that start side by side make an image one after the other."""
        return cache.locked(self.site.cache / "locks" / f"image-{name}")


def traefik_program() -> GoProgram:
    """Return how Traefik is built."""
    package = "github.com/traefik/traefik/v3"
    version = f"{package}/pkg/version.Version={TRAEFIK_VERSION}"
    return GoProgram("traefik", "traefik", f"{package}/cmd/traefik", TRAEFIK_VERSION, (version,))


def frontend_program() -> GoProgram:
    """Return how BuildKit's Dockerfile frontend is built."""
    package = "github.com/moby/buildkit/frontend/dockerfile/cmd/dockerfile-frontend"
    return GoProgram("dockerfile-frontend", "dockerfile-frontend", package, "1")
