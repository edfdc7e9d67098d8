"""`python -m dev.release`: what `make version` and `make release` do. docs/releasing.md says when."""

from __future__ import annotations

import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from dev import engine
from dev.binaries import Binaries
from dev.images import Images
from dev.product_image import Origin
from dev.progress import Progress, StepFailed, told
from dev.release import changelog, version
from dev.release.artifacts import Release, Target
from dev.release.tree import Tree
from dev.site import here

CHANGELOG = "CHANGELOG.md"
app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)
Wanted = Annotated[str, typer.Argument(metavar="VERSION", help="As in 1.4.0 or 1.4.0-rc.1.")]


@app.command()
def prepare(wanted: Wanted) -> None:
    """Write a version into the files that hold it, and what is unreleased below its heading."""
    checkout = here().checkout
    file = checkout / CHANGELOG
    text = file.read_text()
    last = max((version.order(one) for one in changelog.versions(text)), default=None)
    if last is not None and version.order(wanted) <= last:
        raise StepFailed(f"VERSION={wanted} does not come after {changelog.versions(text)[0]}")
    changed = {name: version.written(name, (checkout / name).read_text(), wanted) for name in version.PLACES}
    changed[CHANGELOG] = changelog.released(text, wanted, datetime.now(UTC).date())
    for name, content in changed.items():
        (checkout / name).write_text(content)
    Progress().say(f"Next:  git commit --all --message 'Version {wanted}'")
    Progress().say(f"       git tag --annotate v{wanted} --message v{wanted}")


@app.command()
def check(wanted: Wanted) -> None:
    """Say whether this checkout can be released as a version."""
    _checked(here().checkout, wanted)
    Progress().done(
        f"version {wanted}", "committed, tagged, in the changelog and in every file that holds it"
    )


@app.command()
def notes(wanted: Wanted) -> None:
    """Print what the changelog says of a version."""
    print(changelog.section((here().checkout / CHANGELOG).read_text(), wanted))


@app.command()
def build(
    wanted: Wanted,
    repository: Annotated[
        str, typer.Option(help="Push the image there, and the chart beside it: ghcr.io/acme/previewcloud.")
    ] = "",
    platforms: Annotated[str, typer.Option(help="By buildx, for several: linux/amd64,linux/arm64.")] = "",
    dist: Annotated[Path, typer.Option(help="Where files go; it is emptied first.")] = Path("dist"),
) -> None:
    """Make wheel, source distribution, image and chart of a version, with their checksums."""
    progress, site, target = Progress(), here(), Target(repository, platforms)
    origin = _checked(site.checkout, wanted)
    site.make_directories()
    shutil.rmtree(dist, ignore_errors=True)
    dist.mkdir(parents=True)
    docker = engine.docker_from(os.environ)
    engine.ensure(site, docker, progress)
    helm = Binaries(site, progress, os.environ).helm()
    with tempfile.TemporaryDirectory() as source:
        Tree(site.checkout).export(Path(source))
        release = Release(wanted, origin, Path(source), dist.resolve())
        with progress.step("wheel and source distribution"):
            release.packages()
        image = release.image(Images(site, docker, progress), target)
        chart = release.chart(helm, target)
    progress.say(f"\n{image}\n{chart}\n{release.sums()}")


def _checked(checkout: Path, wanted: str) -> Origin:
    version.order(wanted)
    version.check(checkout, wanted)
    changelog.section((checkout / CHANGELOG).read_text(), wanted)
    return Tree(checkout).check(wanted)


def main() -> None:
    """Run a command; a step that cannot work ends it with a sentence, not a traceback."""
    with told():
        app()


if __name__ == "__main__":
    main()
