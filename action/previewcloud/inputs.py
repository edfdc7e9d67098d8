"""The Action's inputs: variables of the step go in, checked values come out. Pure.

The variables are those that action.yml names: the input's name in capitals, with `_` for `-`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from previewcloud.failure import Failure

Verb = Literal["auto", "deploy", "destroy"]

VERBS: dict[str, Verb] = {"auto": "auto", "deploy": "deploy", "destroy": "destroy"}
BOOLEANS = {"true": True, "false": False}
TIMEOUT_MAX = 6 * 3600
"""GitHub ends a job after six hours."""

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REGISTRY = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*"
)


@dataclass(frozen=True)
class Login:
    """Who logs in to a registry; `server` is its host, with the port where it has one."""

    server: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Registry:
    """Where images are pushed to; `prefix` is what their names begin with."""

    prefix: str
    login: Login | None


@dataclass(frozen=True)
class Inputs:
    """What the workflow asks for; token and address are empty where a fork's workflow does not get them."""

    api_token: str = field(repr=False)
    api_url: str
    config_file: str
    working_directory: str
    secrets: Mapping[str, str] = field(repr=False)
    pr_number: int | None
    verb: Verb
    comment: bool
    wait: bool
    timeout: float
    registry: Registry | None


def read_inputs(environ: Mapping[str, str]) -> Inputs:
    """Read all inputs.

    Raises:
        Failure: one that cannot be used; its value is shown only where it is no secret.
    """
    return Inputs(
        api_token=_value(environ, "api-token"),
        api_url=_address(_value(environ, "api-url") or environ.get("PREVIEWCLOUD_URL", "").strip()),
        config_file=_value(environ, "config-file") or "preview.yaml",
        working_directory=_value(environ, "working-directory") or ".",
        secrets=_secrets(environ.get("INPUT_SECRETS", "")),
        pr_number=_number(_value(environ, "pr-number")),
        verb=_verb(_value(environ, "action").lower() or "auto"),
        comment=_boolean(environ, "comment-on-pr"),
        wait=_boolean(environ, "wait-for-deployment"),
        timeout=_seconds(_value(environ, "timeout") or "600"),
        registry=_registry(
            _value(environ, "registry"),
            _value(environ, "registry-username"),
            environ.get("INPUT_REGISTRY_PASSWORD", "").strip("\r\n"),
        ),
    )


def hidden(environ: Mapping[str, str]) -> list[str]:
    """Return what the log must never show, as far as it can be told before anything is checked."""
    given_lines = environ.get("INPUT_SECRETS", "").splitlines()
    lines = (line.partition("=")[2] if "=" in line else line for line in given_lines)
    given = (environ.get(f"INPUT_{name}", "") for name in ("API_TOKEN", "REGISTRY_PASSWORD"))
    return list(dict.fromkeys(value.strip() for value in (*given, *lines) if value.strip()))


def _value(environ: Mapping[str, str], name: str) -> str:
    return environ.get("INPUT_" + name.upper().replace("-", "_"), "").strip()


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and not (parts.query or parts.fragment)
        usable = usable and "@" not in parts.netloc and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if url and not usable:
        raise Failure("api-url: expected an address like https://preview.acme.com, without a login in it")
    return url.rstrip("/")


def _secrets(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, equals, value = line.rstrip("\r").partition("=")
        key = key.strip()
        if not equals or not _KEY.fullmatch(key):
            raise Failure(
                f"secrets, line {number}: expected KEY=VALUE; a value over several lines is not supported"
            )
        if key in found:
            raise Failure(f"secrets, line {number}: {key} stands there twice")
        found[key] = value
    return found


def _number(text: str) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"#?[1-9][0-9]{0,8}", text):
        raise Failure(f"pr-number: expected a number, got {text[:40]!r}")
    return int(text.lstrip("#"))


def _verb(text: str) -> Verb:
    if text not in VERBS:
        raise Failure(f"action: expected one of {', '.join(VERBS)}, got {text[:40]!r}")
    return VERBS[text]


def _boolean(environ: Mapping[str, str], name: str) -> bool:
    text = _value(environ, name).lower() or "true"
    if text not in BOOLEANS:
        raise Failure(f"{name}: expected true or false, got {text[:40]!r}")
    return BOOLEANS[text]


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) <= TIMEOUT_MAX:
        raise Failure(f"timeout: expected seconds, 1 to {TIMEOUT_MAX}, got {text[:40]!r}")
    return float(text)


def _registry(prefix: str, username: str, password: str) -> Registry | None:
    prefix = prefix.rstrip("/")
    if not prefix:
        if username or password:
            raise Failure("registry-username and registry-password need registry: where to log in")
        return None
    if not _REGISTRY.fullmatch(prefix):
        raise Failure(f"registry: expected a host and a path like ghcr.io/acme, got {prefix[:80]!r}")
    if bool(username) != bool(password):
        raise Failure("registry-username and registry-password belong together: give both or neither")
    return Registry(prefix, Login(prefix.partition("/")[0], username, password) if username else None)
