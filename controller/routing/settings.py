"""What routing must know of the proxy and of its own listeners; filled in once, at the operator's start."""

from __future__ import annotations

from dataclasses import dataclass, field

from controller.certificates import CertificateFiles


@dataclass(frozen=True)
class RoutingSettings:
    """Names and addresses, each as one side sees it; URLs carry no path."""

    proxy_network: str
    """The network on which the proxy reaches instances."""
    probe_url: str
    """The proxy's private entry point, as the operator reaches it."""
    public_url: str
    """The proxy's public entry point, as the operator reaches it (https where the routers ask for TLS)."""
    metrics_url: str
    """The proxy's metrics, as the operator reaches them."""
    provider_listen: str
    """host:port on which the proxy polls its configuration."""
    catchall_url: str
    """Where the bridge answers for what no instance serves, as the proxy reaches it."""
    token: str = field(repr=False)
    """What the proxy must show when it polls."""
    entrypoint: str = "web"
    probe_entrypoint: str = "probe"
    tls: bool = False
    cert_resolver: str = ""
    """Certificate resolver of the public routers; only with `tls`."""
    catchall_ca: str = field(default="", repr=False)
    """Authority (PEM) of the bridge's certificate; empty: one that the proxy knows."""
    catchall_token: str = field(default="", repr=False)
    """What the proxy shows to the bridge; empty: nothing."""


@dataclass(frozen=True)
class Certificates:
    """Certificates given by files; those that are None are not given."""

    listener: CertificateFiles | None = None
    """With it the proxy's polls are answered by TLS."""
    previews: CertificateFiles | None = None
    """The proxy is given it for the public hosts."""


NO_CERTIFICATES = Certificates()
