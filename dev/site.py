"""Where one local platform lives and what it is called: environment variables in, a `Site` out.

Several platforms share one machine and one engine; the installation id keeps their things apart.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from dev.progress import StepFailed

ClusterKind = Literal["local", "kind", "current"]

_INSTALLATION = re.compile(r"[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?")
_GENERATED = re.compile(r"local-[0-9a-f]{6}")


@dataclass(frozen=True)
class Acme:
    """Who issues certificates for previews; `server` and `ca_file` may be empty: Let's Encrypt."""

    email: str
    server: str = ""
    ca_file: str = ""


@dataclass(frozen=True)
class Site:
    """The paths and names of one platform. All paths are absolute."""

    checkout: Path
    state: Path
    cache: Path
    installation: str
    cluster: ClusterKind
    domain: str
    acme: Acme | None = None
    """With it, previews are served by https."""

    @property
    def logs(self) -> Path:
        """Log files of everything started as a process."""
        return self.state / "logs"

    @property
    def pids(self) -> Path:
        """Pid files of everything started as a process."""
        return self.state / "run"

    @property
    def secrets(self) -> Path:
        """Generated passwords and tokens, readable by the owner alone."""
        return self.state / "secrets"

    @property
    def bin(self) -> Path:
        """Links to the cached binaries; goes first on PATH."""
        return self.state / "bin"

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig of a cluster that was started here."""
        return self.state / "kubeconfig"

    @property
    def env_file(self) -> Path:
        """Addresses and credentials, for a shell to source."""
        return self.state / "env"

    def make_directories(self) -> None:
        """Create the state directories."""
        for path in (self.state, self.logs, self.pids, self.bin, self.cache):
            path.mkdir(parents=True, exist_ok=True)
        self.secrets.mkdir(mode=0o700, exist_ok=True)


def kept_secret(path: Path, size: int) -> str:
    """Return the secret that a file keeps for its owner alone: `size` random bytes, made the first time."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(size))
    return path.read_text()


def installation_of(state: Path) -> str:
    """Name the installation after its state directory, so that two checkouts never share one."""
    return "local-" + hashlib.sha256(str(state).encode()).hexdigest()[:6]


def site_from(environ: Mapping[str, str], checkout: Path) -> Site:
    """Read PREVIEWCLOUD_STATE, PREVIEWCLOUD_CACHE, INSTALLATION_ID, CLUSTER, PREVIEW_DOMAIN, and ACME_EMAIL,
    ACME_SERVER, ACME_CA_FILE.

    Raises:
        StepFailed: a value that cannot be used.
    """
    state = Path(environ.get("PREVIEWCLOUD_STATE") or checkout / ".local").resolve()
    caches = Path(environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME") or "/root") / ".cache")
    cluster = environ.get("CLUSTER") or "local"
    if cluster not in get_args(ClusterKind):
        raise StepFailed(f"CLUSTER={cluster}: expected one of {', '.join(get_args(ClusterKind))}")
    installation = environ.get("INSTALLATION_ID") or ""
    if not installation or _GENERATED.fullmatch(installation):
        # A generated one was inherited from a shell that sourced another platform's variables.
        installation = installation_of(state)
    if not _INSTALLATION.fullmatch(installation):
        raise StepFailed(f"INSTALLATION_ID={installation}: expected at most 30 of a-z, 0-9 and '-'")
    return Site(
        checkout=checkout.resolve(),
        state=state,
        cache=Path(environ.get("PREVIEWCLOUD_CACHE") or caches / "previewcloud").resolve(),
        installation=installation,
        cluster=cast(ClusterKind, cluster),
        domain=environ.get("PREVIEW_DOMAIN") or "localhost",
        acme=_acme(environ),
    )


def _acme(environ: Mapping[str, str]) -> Acme | None:
    email = environ.get("ACME_EMAIL", "")
    return Acme(email, environ.get("ACME_SERVER", ""), environ.get("ACME_CA_FILE", "")) if email else None


def here() -> Site:
    """Return the site of this checkout in this process's environment."""
    return site_from(os.environ, Path(__file__).resolve().parent.parent)
