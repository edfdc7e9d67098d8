"""`python -m controller.engine`: prepare an engine, take that away again, or show what would be done.

The engine is the one of the DOCKER_* environment (DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH), local or
remote. Progress goes to standard error; standard output holds the facts of `prepare` as one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from controller.api.errors import BackendUnavailable, PreviewError
from controller.engine import plan
from controller.engine.adapter import Engine
from controller.engine.given import read_given
from controller.engine.wanted import Wanted
from controller.version import Version

ATTEMPTS = 5

app = typer.Typer(add_completion=False)


class Verb(StrEnum):
    """What to do."""

    PREPARE = "prepare"
    REMOVE = "remove"
    PLAN = "plan"


def _option(help_text: str) -> typer.models.OptionInfo:
    info: typer.models.OptionInfo = typer.Option(help=help_text)
    return info


@app.command()
def main(  # noqa: PLR0913, PLR0917 - one parameter per option
    context: typer.Context,
    installation: Annotated[str, _option("Id of the installation; stands in every name and label.")],
    tools_image: Annotated[str, _option("Image with iptables and ip (controller/engine/tools).")],
    verb: Annotated[Verb, typer.Argument(help="What to do.")] = Verb.PREPARE,
    traefik_image: Annotated[str, _option("Traefik, 3.6 or later.")] = "",
    bind: Annotated[str, _option("Address of the public entry points; empty: all.")] = "",
    http_port: Annotated[int, _option("Port of the entry point web.")] = 80,
    https_port: Annotated[int | None, _option("Port of the entry point websecure; none without.")] = None,
    probe_bind: Annotated[str, _option("Address of the entry point probe; keep it private.")] = "127.0.0.1",
    probe_port: Annotated[int, _option("Port of the entry point probe.")] = 8081,
    metrics_bind: Annotated[str, _option("Address of the entry point metrics.")] = "127.0.0.1",
    metrics_port: Annotated[int, _option("Port of the entry point metrics.")] = 8082,
    provider_url: Annotated[str, _option("The operator's routing endpoint, as Traefik reaches it.")] = "",
    provider_token_file: Annotated[Path | None, _option("File with the token for that endpoint.")] = None,
    provider_ca_file: Annotated[
        Path | None,
        _option("Authority (PEM) that signed that endpoint's certificate, where it speaks https."),
    ] = None,
    redirect_https: Annotated[
        bool, typer.Option("--redirect-https", help="Send visitors from web to websecure.")
    ] = False,
    acme_email: Annotated[str, _option("Order certificates by ACME (HTTP-01), with this contact.")] = "",
    acme_server: Annotated[str, _option("Directory of the ACME server; default: Let's Encrypt.")] = "",
    acme_ca_file: Annotated[
        Path | None, _option("Authority (PEM) of that server's own certificate, where it is a private one.")
    ] = None,
    acme_resolver: Annotated[str, _option("Its name, the operator's TRAEFIK_CERT_RESOLVER.")] = "acme",
    traefik_config_file: Annotated[
        Path | None, _option("More of Traefik's static configuration (YAML), such as a DNS-01 resolver.")
    ] = None,
    traefik_env_file: Annotated[
        Path | None, _option("Variables for Traefik (NAME=value in each line), such as a DNS login.")
    ] = None,
    engine_socket: Annotated[str, _option("The engine's socket on its own host.")] = "/var/run/docker.sock",
    database_port: Annotated[list[int], _option("Port on the gateway address open to previews.")] = [],  # noqa: B006
    database_connections: Annotated[
        int, _option("Connections of one container to one of these ports at most.")
    ] = 100,
    proxy_subnet: Annotated[
        str | None, _option("Subnet of the proxy's network; default: a free one.")
    ] = None,
    preview_pool: Annotated[
        str | None, _option("Addresses of previews' networks; default: free ones.")
    ] = None,
    drop_private: Annotated[
        bool,
        typer.Option("--drop-private/--allow-private", help="Keep previews and builds off private ranges."),
    ] = True,
    allow: Annotated[list[str], _option("Private range that may be reached all the same (CIDR).")] = [],  # noqa: B006
    dns: Annotated[list[str], _option("Name server to allow besides those of the host.")] = [],  # noqa: B006
    build_bridge: Annotated[str, _option("Interface on which build steps run.")] = "docker0",
    build_memory: Annotated[str | None, _option("Memory of all build steps together; default: half.")] = None,
    build_pids: Annotated[int, _option("Processes of all build steps together.")] = 2048,
    build_cache: Annotated[str | None, _option("Size of the build cache; told how to set it.")] = None,
    version: Version = False,
) -> None:
    """Prepare the Docker engine for an installation of PreviewCloud; running it again changes nothing."""
    try:
        options = {name: value for name, value in context.params.items() if name not in ("verb", "version")}
        _run(verb, Wanted.model_validate(options))
    except ValidationError as error:
        problems = "; ".join(f"--{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise SystemExit(f"wrong options: {problems.replace('_', '-')}") from error
    except PreviewError as error:
        _say(str(error), *error.lines)
        raise SystemExit(1) from error


def _run(verb: Verb, wanted: Wanted) -> None:
    if verb is Verb.REMOVE:
        bare = wanted.model_copy(update={"traefik_image": ""})
        _converge(Engine.from_environment(bare), bare, lambda observed: plan.remove(bare, observed))
        return
    given = read_given(wanted)
    engine = Engine.from_environment(wanted)
    if verb is Verb.PLAN:
        for piece in plan.prepare(wanted, given, engine.observe(wanted)).pieces:
            _say(f"{piece.title}: {piece.note or (_words(piece.action) if piece.action else 'unchanged')}")
        return
    observed = _converge(engine, wanted, lambda observed: plan.prepare(wanted, given, observed).pieces)
    print(json.dumps(plan.prepare(wanted, given, observed).facts))  # noqa: T201


def _converge(
    engine: Engine, wanted: Wanted, plan_for: Callable[[plan.Observed], Iterable[plan.Piece]]
) -> plan.Observed:
    """Observe, plan, carry out; again where something else changed the engine meanwhile.

    Returns:
        What the successful attempt had seen, which is what its choices follow from.
    """
    for attempt in range(1, ATTEMPTS + 1):
        observed = engine.observe(wanted)
        try:
            _carry_out(engine, plan_for(observed))
        except BackendUnavailable as error:
            if attempt == ATTEMPTS or error.reason not in ("EngineRefused", "HostRefused"):
                raise
            _say(f"{error}; looking again")
        else:
            return observed
    raise AssertionError("the last attempt returns or raises")


def _carry_out(engine: Engine, pieces: Iterable[plan.Piece]) -> None:
    for piece in pieces:
        if piece.action is None:
            _say(f"{piece.title}: {piece.note or 'unchanged'}")
            continue
        start = time.monotonic()
        engine.execute(piece.action)
        _say(f"{piece.title}: {_words(piece.action)} ({time.monotonic() - start:.1f} s)")


def _words(action: plan.Action) -> str:
    verb = {
        plan.CreateNetwork: "create",
        plan.RestoreRules: "write rules",
        plan.SetLimits: "set",
        plan.RunTraefik: "create and start",
        plan.StartContainer: "start",
    }.get(type(action), "remove")
    return f"replace: {verb}" if getattr(action, "replace", False) else verb


def _say(*lines: str) -> None:
    print(*lines, sep="\n", file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    app()
