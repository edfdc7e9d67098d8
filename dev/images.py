"""The platform's images: pulled where a registry answers, else made from the machine's package sources.

Names go in, the tag to use comes out. An image made here carries the key of its recipe as a label and is
made again when that changes.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dev import cache, downloads, npm, rootfs
from dev.docker_cli import IMAGE_RECIPE_LABEL, Docker
from dev.gobuild import BUILDS, GoProgram
from dev.progress import Progress, StepFailed
from dev.site import Site

REGISTRY = "https://registry-1.docker.io/v2/"
PULL_SECONDS = 900.0

BASE = "debian:bookworm-slim"
BASES = {BASE: rootfs.BOOKWORM, "debian:unstable-slim": rootfs.UNSTABLE}
TOOLS = "previewcloud/tools:1"
POSTGRES, OWN_POSTGRES = "postgres:17", "previewcloud/postgres:15"
MYSQL, OWN_MYSQL = "mysql:9", "previewcloud/mysql:9"
MARIADB, OWN_MARIADB = "mariadb:10.11", "previewcloud/mariadb:10.11"
MONGODB, OWN_MONGODB = "mongo:8", "previewcloud/ferretdb:2.7"
MONGODB_CLIENT = "previewcloud/mongodb-client:1"
FERRETDB_VERSION = "2.7.0"
LOCAL_REGISTRY, OWN_LOCAL_REGISTRY = "registry:2", "previewcloud/registry:2"
TRAEFIK_VERSION = "3.6.12"
TRAEFIK, OWN_TRAEFIK = f"traefik:v{TRAEFIK_VERSION}", f"previewcloud/traefik:{TRAEFIK_VERSION}"
FRONTEND = "docker/dockerfile:1"

Build = Callable[[GoProgram], Path]


@dataclass(frozen=True)
class Extras:
    """What goes into a build besides its folder: more files, made when needed; `key` stands for them."""

    key: str = ""
    files: Callable[[], dict[str, Path]] = dict
    options: tuple[str, ...] = ()


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

    def base(self, tag: str = BASE) -> str:
        """A Debian image: the one that examples build on, or what images here are made of."""
        if self._available(tag):
            return tag
        suite = BASES[tag]
        with self.progress.step(f"image {tag}: bootstrapping Debian"), self._once(f"base-{suite.name}"):
            archive = cache.entry(self.site.cache, suite.key, suite.build) / rootfs.ARCHIVE
            self._import(archive, tag, ('CMD ["bash"]',))
        return tag

    def tools(self) -> str:
        """An image with iptables and ip, for the engine's set-up."""
        return self._dockerfile(TOOLS, self.site.checkout / "controller/engine/tools")

    def postgres(self) -> str:
        """PostgreSQL, server and client."""
        return self._pulled_or_made(POSTGRES, OWN_POSTGRES, BUILDS / "postgres")

    def mysql(self) -> str:
        """MySQL, server and client."""
        return self._pulled_or_made(MYSQL, OWN_MYSQL, BUILDS / "mysql")

    def mariadb(self) -> str:
        """MariaDB, server and client."""
        return self._pulled_or_made(MARIADB, OWN_MARIADB, BUILDS / "mariadb")

    def mongodb(self, build: Build) -> str:
        """MongoDB, or where no registry answers FerretDB, which speaks its protocol."""
        if self.docker.has("image", OWN_MONGODB) or not self._available(MONGODB):
            program = ferretdb_program()
            extras = Extras(f"-{Path(program.key).name}", lambda: {program.name: build(program)})
            return self._dockerfile(OWN_MONGODB, BUILDS / "mongodb", extras)
        return MONGODB

    def local_registry(self) -> str:
        """A registry of images, to run here."""
        return self._pulled_or_made(LOCAL_REGISTRY, OWN_LOCAL_REGISTRY, BUILDS / "registry")

    def mongodb_client(self) -> str:
        """What runs MongoDB's migrations and reads its dumps."""
        folder = self.site.checkout / "controller/databases/mongodb_client"
        return self._dockerfile(
            MONGODB_CLIENT, folder, Extras("", npm.build_files, npm.build_options(os.environ))
        )

    def traefik(self, build: Build) -> str:
        """Traefik, built here where no registry answers."""
        if self.docker.has("image", OWN_TRAEFIK) or not self._available(TRAEFIK):
            return self._binary(OWN_TRAEFIK, traefik_program(), build)
        return TRAEFIK

    def frontend(self, build: Build) -> None:
        """Make `# syntax=docker/dockerfile:1` work where BuildKit could not pull it."""
        if not (self.docker.has("image", FRONTEND) or self.registry):
            self._binary(FRONTEND, frontend_program(), build)

    def _pulled_or_made(self, official: str, own: str, folder: Path) -> str:
        if self.docker.has("image", own) or not self._available(official):
            return self._dockerfile(own, folder)
        return official

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

    def _dockerfile(self, tag: str, folder: Path, extras: Extras | None = None) -> str:
        """Build a tag from a folder of ours, over its base images, unless that recipe is already there."""
        extras = extras or Extras()
        for base in _bases_of(folder / "Dockerfile"):
            self.base(base)
        recipe = cache.digest_of_files(folder) + extras.key
        if self.docker.label("image", tag, IMAGE_RECIPE_LABEL) == recipe:
            return tag
        files = extras.files()
        with self.progress.step(f"image {tag}: building"), self._once(folder.name):
            options = ("--quiet", "--tag", tag, f"--label={IMAGE_RECIPE_LABEL}={recipe}", *extras.options)
            with _context(folder, files) as context:
                self.docker("build", *options, str(context), timeout=PULL_SECONDS)
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


def _bases_of(dockerfile: Path) -> list[str]:
    lines = (line.split() for line in dockerfile.read_text().splitlines())
    return [words[1] for words in lines if words[:1] == ["FROM"] and words[1] in BASES]


@contextmanager
def _context(folder: Path, files: Mapping[str, Path]) -> Iterator[Path]:
    """Give a build's folder with some files beside its own."""
    if not files:
        yield folder
        return
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / folder.name
        shutil.copytree(folder, copy)
        for target, file in files.items():
            shutil.copy(file, copy / target)
        yield copy


def traefik_program() -> GoProgram:
    """Return how Traefik is built."""
    package = "github.com/traefik/traefik/v3"
    version = f"{package}/pkg/version.Version={TRAEFIK_VERSION}"
    return GoProgram("traefik", "traefik", f"{package}/cmd/traefik", TRAEFIK_VERSION, (version,))


def ferretdb_program() -> GoProgram:
    """Return how FerretDB is built."""
    return GoProgram("ferretdb", "ferretdb", "github.com/FerretDB/FerretDB/v2/cmd/ferretdb", FERRETDB_VERSION)


def frontend_program() -> GoProgram:
    """Return how BuildKit's Dockerfile frontend is built."""
    package = "github.com/moby/buildkit/frontend/dockerfile/cmd/dockerfile-frontend"
    return GoProgram("dockerfile-frontend", "dockerfile-frontend", package, "1")
