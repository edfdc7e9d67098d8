"""Addresses: where each service of a preview answers, and what the platform's names stand for. Pure, known
before any build.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from controller.api import names
from controller.api.references import PlatformDatabase, PlatformService, platform_values
from controller.api.spec import Service
from controller.core.inputs import Inputs, Rules

MAIN_SERVICES = ("web", "frontend", "app", "api")


@dataclass(frozen=True)
class Address:
    """Where a service answers."""

    service: str
    host: str
    url: str
    public: bool


def address(inputs: Inputs, service: Service, rules: Rules) -> Address:
    """The host and URL of one service."""
    host = names.host(
        inputs.slug, inputs.source.repository, service.name, rules.domain, single_label=rules.single_label
    )
    standard = {"http": 80, "https": 443}[rules.scheme]
    port = "" if rules.port in (0, standard) else f":{rules.port}"
    return Address(
        service=service.name, host=host, url=f"{rules.scheme}://{host}{port}", public=service.public
    )


def main_url(addresses: tuple[Address, ...]) -> str | None:
    """The URL that stands for the whole preview: web > frontend > app > api > the first public service;
    None without one.
    """
    public = {address.service: address.url for address in addresses if address.public}
    for name in MAIN_SERVICES:
        if name in public:
            return public[name]
    return next(iter(public.values()), None)


def values(
    inputs: Inputs, addresses: tuple[Address, ...], ports: Mapping[str, int], service: str
) -> dict[str, str]:
    """What `${NAME}` stands for in one service's values."""
    return platform_values(
        slug=inputs.slug,
        source=inputs.source,
        services=tuple(
            PlatformService(a.service, a.url if a.public else None, ports.get(a.service)) for a in addresses
        ),
        preview_url=main_url(addresses),
        service=service,
        databases=tuple(PlatformDatabase(d.label, d.type, d.url) for d in inputs.databases),
    )
