"""A clone URL from a Preview: checked as text against the hosts that may be cloned from, before git sees it.

Allowed hosts are written `host` (the scheme's own port) or `host:port`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from controller.api.errors import InvalidSpec
from controller.source.listing import shown
from controller.source.protocol import GitCredentials

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<authority>(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?)"
    r"(?P<path>(?:/[A-Za-z0-9._~+-]+)+/?)"
)


@dataclass(frozen=True)
class CloneURL:
    """A clone URL that passed: `url` may be given to git, `origin` is `scheme://host[:port]`."""

    url: str
    scheme: str
    authority: str

    @property
    def origin(self) -> str:
        """Scheme, host and port: what credentials are bound to."""
        return f"{self.scheme}://{self.authority}"


def check_clone_url(url: str, allowed_hosts: frozenset[str], *, allow_http: bool = False) -> CloneURL:
    """Read a clone URL.

    Raises:
        InvalidSpec: CloneURLRefused; the message never repeats the URL, which may hold a password.
    """
    match = _URL.fullmatch(url)
    if match is None or {".", ".."} & set(match["path"].split("/")):
        raise InvalidSpec(
            "CloneURLRefused",
            "spec.source.cloneURL must read https://host/owner/name.git: no other scheme, no user or "
            "password (use credentialsSecretRef), no query, no escapes.",
        )
    scheme, authority = match["scheme"], match["authority"].lower()
    if authority not in allowed_hosts:
        raise InvalidSpec(
            "CloneURLRefused",
            f"spec.source.cloneURL names the host {shown(authority)}, which is not allowed here; use one of "
            f"{', '.join(sorted(allowed_hosts)) or 'none (no host is allowed)'} or ask the operator's owner.",
        )
    if scheme == "http" and not allow_http:
        raise InvalidSpec(
            "CloneURLRefused",
            f"spec.source.cloneURL must use https: plain http to {shown(authority)} is refused.",
        )
    return CloneURL(f"{scheme}://{authority}{match['path'].rstrip('/')}", scheme, authority)


def check_credentials(clone: CloneURL, credentials: GitCredentials | None) -> None:
    """Refuse a login that belongs to another host than the clone URL's.

    Raises:
        InvalidSpec: CredentialsRefused.
    """
    if credentials is not None and credentials.host.lower() != clone.authority:
        raise InvalidSpec(
            "CredentialsRefused",
            f"the credentials of spec.source.credentialsSecretRef belong to {shown(credentials.host)}, "
            f"but cloneURL names {shown(clone.authority)}; use the Secret of that host.",
        )
