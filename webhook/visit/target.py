"""Target: which Preview, and which service of it, a request is for.

    X-Preview-Page: pr-42-web ──▶ by the router's name: the host's own router let it in, past its password
    Host, by the catch-all ─────▶ by the form of previews' hosts: a stranger

The header is Traefik's: it sets it to the router's name, and the catch-all router takes it away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from controller.api.names import host, owner_label
from controller.api.preview import Preview
from webhook.cluster.protocol import Cluster

_SLUG = re.compile(r"([a-z]+-[a-z0-9]+)(?:-(.+))?")
"""A slug holds exactly one hyphen."""
_HOST_MAX = 253


@dataclass(frozen=True)
class Hosts:
    """How hosts are formed; the operator's settings."""

    domain: str
    single_label: bool = False


@dataclass(frozen=True)
class Target:
    """Who is asked."""

    preview: Preview | None = None
    service: str = ""
    """Which of its services; empty where a stranger asks."""
    own: bool = False
    """It came by the host's own router: it may wake the preview, and see what is being done."""


NOBODY = Target()


def target_of(cluster: Cluster, router: str, address: str, hosts: Hosts) -> Target:
    """Whom a request is for.

    Args:
        cluster: has the Previews.
        router: the name of the own router it came by; empty by the catch-all.
        address: its Host, as it was asked for.
        hosts: how hosts are formed.
    """
    if router:
        slug, service = _split(router)
        return Target(cluster.by_slug(slug), service, own=True)
    name = _plain(address)
    within = name.removesuffix(f".{hosts.domain.lower()}")
    preview = cluster.by_slug(_split(within)[0]) if within != name else None
    return Target(preview) if preview is not None and _has(preview, name, hosts) else NOBODY


def _split(name: str) -> tuple[str, str]:
    """The slug that a name begins with, and the rest."""
    found = _SLUG.fullmatch(name.partition(".")[0])
    return (found[1], found[2] or "") if found else ("", "")


def _plain(address: str) -> str:
    """A host in lower case, without its port and the dot at its end."""
    name, _, port = address[: _HOST_MAX + 6].lower().rpartition(":")
    return (name if name and port.isdigit() else address[:_HOST_MAX].lower()).rstrip(".")


def _has(preview: Preview, name: str, hosts: Hosts) -> bool:
    """Whether a host is one of a Preview's; while nobody knows its services, as far as one can tell."""
    services = tuple(_services(preview))
    if not services:
        return _may_have(preview, name, hosts)
    return name in _hosts(preview, services, hosts) or name in _said(preview)


def _services(preview: Preview) -> Iterator[str]:
    known = preview.status.services
    yield from (service.name for service in known if service.url is not None)
    if not known:
        yield from (service.name for service in preview.spec.services if service.public)


def _hosts(preview: Preview, services: tuple[str, ...], hosts: Hosts) -> frozenset[str]:
    slug, repository = preview.slug or "", preview.spec.source.repository
    return frozenset(
        host(slug, repository, service, hosts.domain.lower(), single_label=hosts.single_label)
        for service in services
    )


def _said(preview: Preview) -> frozenset[str]:
    """The hosts that its status names."""
    urls = (service.url for service in preview.status.services)
    return frozenset(urlsplit(url).hostname or "" for url in urls if url is not None)


def _may_have(preview: Preview, name: str, hosts: Hosts) -> bool:
    first, _, rest = name.removesuffix(f".{hosts.domain.lower()}").partition(".")
    owner = owner_label(preview.spec.source.repository)
    if hosts.single_label:
        return not rest and first.startswith(f"{preview.slug}-{owner}-")
    return bool(rest) and "." not in rest and name in _hosts(preview, (rest,), hosts)
