"""What the options of the command name as files, read: secrets and certificates that go to Traefik.

options ──▶ Given ──▶ Traefik's static configuration, its environment, files in its container
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import yaml

from controller.api.errors import InvalidSpec
from controller.engine.wanted import Wanted

Tree = dict[str, object]


@dataclass(frozen=True)
class Given:
    """Contents; what is empty was not given."""

    token: str = field(repr=False)
    """What Traefik shows to the operator."""
    provider_ca: str = field(default="", repr=False)
    """Authority of the operator's certificate, PEM."""
    acme_ca: str = field(default="", repr=False)
    """Authority of the ACME server's own certificate, PEM."""
    environment: tuple[str, ...] = field(default=(), repr=False)
    """`NAME=value` for Traefik's process."""
    static: Tree = field(default_factory=dict, repr=False)
    """More of the static configuration."""


def read_given(wanted: Wanted) -> Given:
    """Read the files.

    Raises:
        InvalidSpec: OptionMissing, an option is needed that is not there; TokenUnreadable, TokenEmpty,
            FileUnusable, a file that cannot be used.
    """
    if not wanted.traefik_image or not wanted.provider_url or wanted.provider_token_file is None:
        raise InvalidSpec(
            "OptionMissing",
            "prepare and plan need --traefik-image, --provider-url and --provider-token-file.",
        )
    if wanted.https_port is None and (wanted.acme_email or wanted.redirect_https):
        raise InvalidSpec("OptionMissing", "--acme-email and --redirect-https need --https-port.")
    return Given(
        token=_token(wanted.provider_token_file),
        provider_ca=_text("--provider-ca-file", wanted.provider_ca_file),
        acme_ca=_text("--acme-ca-file", wanted.acme_ca_file),
        environment=_environment(wanted.traefik_env_file),
        static=_static(wanted.traefik_config_file),
    )


def _token(file: Path) -> str:
    try:
        token = file.read_text().strip()
    except OSError as error:
        raise InvalidSpec("TokenUnreadable", f"--provider-token-file: {error}") from error
    if not token:
        raise InvalidSpec("TokenEmpty", f"{file} is empty; put a random token in it.")
    return token


def _text(option: str, file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSpec("FileUnusable", f"{option}: {error}") from error


def _environment(file: Path | None) -> tuple[str, ...]:
    lines = (line.strip() for line in _text("--traefik-env-file", file).splitlines())
    found = tuple(line for line in lines if line and not line.startswith("#"))
    if any("=" not in line for line in found):
        # A line may be half of a secret: it is not shown.
        raise InvalidSpec("FileUnusable", "--traefik-env-file: expected NAME=value in every line.")
    return found


def _static(file: Path | None) -> Tree:
    text = _text("--traefik-config-file", file)
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        raise InvalidSpec(
            "FileUnusable",
            f"--traefik-config-file is no YAML{f' (line {where.line + 1})' if where else ''}.",
        ) from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise InvalidSpec("FileUnusable", "--traefik-config-file: expected Traefik's static configuration.")
    return tree


def merged(ours: Tree, more: Tree) -> Tree:
    """Both trees in one; where they differ, `more` has its way, and a list is replaced as a whole."""
    result = dict(ours)
    for key, value in more.items():
        present = result.get(key)
        both = isinstance(present, dict) and isinstance(value, dict)
        result[key] = merged(present, value) if both else value  # type: ignore[arg-type]
    return result
