"""Which API, and by which token: from options, the environment, or a file of the user's own.

--url, --token, --token-file ─┐
PREVIEWCLOUD_URL, _TOKEN ─────┼──▶ connection ──▶ Connection
config.toml (login) ──────────┘

The file's token is sent to the file's own address alone: another address, from wherever, needs a token of its
own. A file with a token that others can read is refused.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from cli.failure import USAGE, Failure

TOKEN_MAX = 8192
OTHERS = 0o077
_TOKEN = re.compile(r"[\x21-\x7e]+")
_LOCAL = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    url: str | None = None
    token: str | None = field(default=None, repr=False)
    token_file: Path | None = None


@dataclass(frozen=True)
class Connection:
    """An API, and who asks it."""

    url: str
    """Without a slash at its end."""
    token: str = field(repr=False)


def config_file(environ: Mapping[str, str]) -> Path:
    """Where the user's settings are."""
    home = Path(environ.get("HOME") or Path.home())
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "previewcloud" / "config.toml"


def connection(options: Options, environ: Mapping[str, str]) -> Connection:
    """Whom to ask; an option counts before a variable, a variable before the file.

    Raises:
        Failure: something is missing, or has a wrong form.
    """
    path = config_file(environ)
    given = options.url or environ.get("PREVIEWCLOUD_URL") or ""
    token = given_token(options) or environ.get("PREVIEWCLOUD_TOKEN", "").strip()
    if given and token:
        return Connection(checked_url(given), checked_token(token))
    kept = _read(path)
    url = checked_url(given or kept.get("url", ""))
    if not token and kept and checked_url(kept.get("url", "")) == url:
        token = kept.get("token", "")
    if not token:
        what = "give --token-file, set PREVIEWCLOUD_TOKEN, or run: previewcloud login"
        raise Failure(f"There is no token for {url}: {what}", USAGE)
    return Connection(url, checked_token(token))


def given_token(options: Options) -> str:
    """The token that the command line gives or names a file for; empty when it does neither."""
    if options.token is not None and options.token_file is not None:
        raise Failure("Give either --token or --token-file.", USAGE)
    if options.token_file is None:
        return (options.token or "").strip()
    try:
        return options.token_file.read_text()[: TOKEN_MAX + 1].strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise Failure(f"Cannot read the token from {options.token_file}: {why}.", USAGE) from None


def checked_url(text: str) -> str:
    """An address of the API, in the form in which it is used; raises Failure."""
    url = text.strip().rstrip("/")
    if not url:
        what = "give --url, set PREVIEWCLOUD_URL, or run: previewcloud login"
        raise Failure(f"It is not known where the API is: {what}", USAGE)
    try:
        parts = urlsplit(url)
        wellformed = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        wellformed = False
    if not wellformed or parts.query or parts.fragment or parts.username is not None:
        raise Failure(
            "The API's address must be http:// or https:// with a host and no more than a path, as in "
            "https://previews.example.com.",
            USAGE,
        )
    return url


def checked_token(text: str) -> str:
    """A token that fits into a header; raises Failure, without the token."""
    if len(text) > TOKEN_MAX or not _TOKEN.fullmatch(text):
        raise Failure("The token is not one: expected letters, digits and signs without spaces.", USAGE)
    return text


def in_the_open(url: str) -> bool:
    """Whether a token goes over the network as it is."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname not in _LOCAL


def keep(path: Path, kept: Connection) -> None:
    """Write the user's file, for its owner alone; raises Failure."""
    # JSON's strings are strings of TOML too.
    text = f"url = {json.dumps(kept.url)}\ntoken = {json.dumps(kept.token)}\n"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(dir=path.parent, prefix=".config-")
        with os.fdopen(number, "w") as file:
            file.write(text)
        Path(name).replace(path)
    except OSError as error:
        raise Failure(f"Cannot write {path}: {error.strerror}.") from None


def _read(path: Path) -> Mapping[str, str]:
    """What the file says; nothing when there is none."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            found = tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not TOML"
        raise Failure(f"Cannot read {path}: {why}.", USAGE) from None
    kept = {name: value for name, value in found.items() if isinstance(value, str)}
    if kept.get("token") and mode & OTHERS:
        raise Failure(f"Others can read the token in {path}: chmod 600 {path}", USAGE)
    return kept
