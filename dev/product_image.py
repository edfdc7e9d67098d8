"""The product's image, `make image`: the files that the Dockerfile takes in, a tag on the engine out.

    files, version, origin ──▶ context ──▶ docker build ──▶ previewcloud/previewcloud:<version>

It builds where no image registry answers as well: the base is then Debian, bootstrapped (dev/images.py). What
the build must know of this machine, the index of Python packages and whom it trusts, stays in the stage that
installs.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from controller import __version__
from dev import cache, commands, engine, python_index
from dev.docker_cli import IMAGE_RECIPE_LABEL, Docker
from dev.images import Images
from dev.npm import build_files
from dev.progress import Progress, StepFailed, told
from dev.site import here

NAME = "previewcloud/previewcloud"
FILES = (
    *("Dockerfile", ".dockerignore", "pyproject.toml", "requirements.txt", "requirements-build.txt"),
    *("README.md", "LICENSE", "cli", "controller", "webhook"),
)
"""What the image is made of."""
BUILD_SECONDS = 1800.0
TITLE = "org.opencontainers.image.title=PreviewCloud"
"""The label by which the Dockerfile marks its image."""


@dataclass(frozen=True)
class Origin:
    """Where the files come from: a commit (empty where there is none), and its time in seconds since 1970."""

    revision: str = ""
    epoch: int = 0


def origin(checkout: Path) -> Origin:
    """Return the last commit that changed a file of the image; one that was changed since is told as such."""
    git = ["git", "-C", str(checkout)]
    try:
        last = commands.run([*git, "log", "-1", "--format=%H %ct", "--", *FILES]).split()
        changed = commands.run([*git, "status", "--porcelain", "--", *FILES]).strip()
    except StepFailed:  # sources without a history, or no git
        return Origin()
    if len(last) != 2:
        return Origin()
    return Origin(f"{last[0]}-dirty" if changed else last[0], int(last[1]))


def ensure(images: Images, version: str = __version__) -> str:
    """Return the tag of the image of this checkout; it is built unless just that is there.

    Raises:
        StepFailed: it cannot be built.
    """
    checkout, tag = images.site.checkout, f"{NAME}:{version}"
    source = origin(checkout)
    recipe = f"{cache.digest_of_files(*(checkout / name for name in FILES))}-{source.revision[:12]}"
    with cache.locked(images.site.cache / "locks" / "image-product"):
        if images.docker.label("image", tag, IMAGE_RECIPE_LABEL) != recipe:
            build(images, tag, version, source, f"--label={IMAGE_RECIPE_LABEL}={recipe}")
            _forget_replaced(images.docker)
    return tag


def build(images: Images, tag: str, version: str, source: Origin, *options: str) -> None:
    """Build the image of the checkout under a tag; `options` are more of `docker build`.

    Raises:
        StepFailed: it cannot be built.
    """
    images.base()
    arguments = (
        *("--tag", tag, f"--build-arg=VERSION={version}", f"--build-arg=REVISION={source.revision}"),
        *(f"--build-arg=SOURCE_DATE_EPOCH={source.epoch}", *python_index.build_options(), *options),
    )
    with images.progress.step(f"image {tag}: building"), _context(images.site.checkout) as context:
        images.docker("build", *arguments, str(context), timeout=BUILD_SECONDS)


def _forget_replaced(docker: Docker) -> None:
    """Remove images of the product that lost their tag to another one, and that no container uses."""
    filters = ("--filter", "dangling=true", "--filter", f"label={TITLE}")
    for image in docker("image", "ls", "--quiet", "--no-trunc", *filters).split():
        with suppress(StepFailed):  # still in use: the next build tries again
            docker("image", "rm", image)


def for_platforms(platforms: str, facts: Path) -> tuple[str, ...]:
    """Return the options of a build for several platforms, pushed under its tag; docker then needs buildx.

    Args:
        platforms: such as linux/amd64,linux/arm64.
        facts: file that the digest is written to.
    """
    # What was built from what goes along, but not the build's arguments: they may hold an address.
    described = ("--provenance=mode=min", "--sbom=true")
    return ("--platform", platforms, *described, "--push", "--metadata-file", str(facts))


def size(images: Images, tag: str) -> int:
    """Return the size of an image in megabytes."""
    return round(int(images.docker("image", "inspect", "--format", "{{.Size}}", tag)) / 1e6)


@contextmanager
def _context(checkout: Path) -> Iterator[Path]:
    """Give the files of the image, with those of this machine beside them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in FILES:
            source, target = checkout / file, folder / file
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        for target_name, found in build_files().items():
            shutil.copy(found, folder / target_name)
        # Whoever checks them out, with whichever umask: the same files are the same image.
        for path in folder.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        yield folder


def main() -> None:
    """Make the image and say its name; a step that cannot work ends it with a sentence."""
    progress, site = Progress(), here()
    docker = engine.docker_from(os.environ)
    images = Images(site, docker, progress)
    with told():
        engine.ensure(site, docker, progress)
        tag = ensure(images)
        progress.done(f"image {tag}", f"{size(images, tag)} MB")


if __name__ == "__main__":
    main()
