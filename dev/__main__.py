"""`python -m dev`: the commands behind the Makefile's up, down, clean, status, backup and restore."""

from __future__ import annotations

import json
import os
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Annotated

import typer

from dev import backup as backups
from dev import cache, engine, platform
from dev.docker_cli import INSTALLATION_LABEL
from dev.environment import path_of, read_shell_file
from dev.platform import Up, Wanted
from dev.processes import Processes
from dev.progress import Progress, StepFailed, told
from dev.site import Site, here

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)


@app.command()
def up(
    operator: Annotated[bool, typer.Option(help="Start the operator.")] = True,
    sample: Annotated[bool, typer.Option(help="Apply the sample and wait for its URL.")] = True,
    tests: Annotated[
        bool, typer.Option("--tests", help="What tests need besides: a MariaDB, and programs they call.")
    ] = False,
    node: Annotated[
        bool, typer.Option("--node", help="A real node too; operator and bridge run on it, by the chart.")
    ] = False,
) -> None:
    """Bring the platform up; what already runs as it should is left alone."""
    progress, site = Progress(), here()
    site.make_directories()
    with cache.locked(site.state / "lock"):
        wanted = Wanted(operator, operator and sample, tests, node)
        _tell(site, platform.up(site, wanted, progress), progress)


@app.command()
def down() -> None:
    """Stop and remove everything that `up` started; logs and caches stay."""
    _take_down(caches=False)


@app.command()
def clean() -> None:
    """Do what `down` does, and remove the caches and logs."""
    _take_down(caches=True)


@app.command()
def status() -> None:
    """Show what of the platform runs."""
    progress, site = Progress(), here()
    processes, docker = Processes(site.pids, site.logs), engine.docker_from(os.environ)
    progress.say(f"installation {site.installation}, state {site.state}")
    for pid_file in sorted(site.pids.glob("[a-z]*.pid")):
        name = pid_file.stem
        progress.say(f"  {'runs ' if processes.alive(name) else 'ENDED'}  {name}  {processes.log(name)}")
    if not docker.answers():
        progress.say(f"  no Docker engine answers at {docker.host}")
        return
    label = f"label={INSTALLATION_LABEL}={site.installation}"
    columns = "  {{.State}}  {{.Names}}  {{.Image}}"
    progress.say(docker("ps", "--all", "--filter", label, "--format", columns) or "  no containers")


@app.command()
def backup(path: Annotated[Path, typer.Argument(help="The file to write.")]) -> None:
    """Write all of the platform that cannot be made again into one file; what runs goes on."""
    progress, site = Progress(), here()
    backups.backup(site, path, progress)


@app.command()
def restore(
    path: Annotated[Path, typer.Argument(help="A file that `backup` wrote.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where Previews are here that the backup does not hold.")
    ] = False,
) -> None:
    """Make the platform what a backup says, from whatever state it is in."""
    progress, site = Progress(), here()
    site.make_directories()
    with cache.locked(site.state / "lock"):
        backups.restore(site, path, progress, replace=replace)


@app.command()
def env(
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object, PATH included.")] = False,
) -> None:
    """Print the platform's addresses and credentials."""
    site = here()
    if not site.env_file.exists():
        raise StepFailed(f"{site.env_file} is not there; run `make up` first")
    if not as_json:
        print(site.env_file.read_text(), end="")
        return
    variables = read_shell_file(site)
    print(json.dumps({**variables, "PATH": f"{path_of(site)}:{os.environ.get('PATH', '')}"}))


def _take_down(*, caches: bool) -> None:
    site = here()
    lock = cache.locked(site.state / "lock") if site.state.is_dir() else nullcontext()
    with lock:
        platform.down(site, Progress(), caches=caches)
    if caches:
        (site.state / "lock").unlink(missing_ok=True)
        with suppress(OSError):  # the directory may hold what is not ours
            site.state.rmdir()


def _tell(site: Site, result: Up, progress: Progress) -> None:
    name = site.state.relative_to(site.checkout) if site.state.is_relative_to(site.checkout) else site.state
    progress.say("")
    if result.url:
        progress.say(f"The sample answers: {result.url}")
    if result.bridge:
        progress.say(f"The API is explained at {result.bridge}/api/docs")
    progress.say(f"Next:  source {name}/env")
    progress.say("       kubectl get previews -o wide")
    if result.url:
        progress.say("       kubectl describe preview pr-1")
        progress.say("       previewcloud logs pr-1 --follow")
        progress.say("       kubectl delete preview pr-1")
    if result.in_pods:
        progress.say("       kubectl logs -n previewcloud deployment/previewcloud-operator --follow")
    progress.say(f"Logs:  {name}/logs/{'' if result.in_pods else ' (operator.log, bridge.log)'}")


def main() -> None:
    """Run a command; a step that cannot work ends it with a sentence, not a traceback."""
    with told():
        app()


if __name__ == "__main__":
    main()
