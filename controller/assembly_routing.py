"""Routing's part of the assembly: addresses, tokens, and certificates, which are watched while this is open.

settings ──▶ RoutingSettings, Certificates ──▶ listener, Traefik's configuration; health, metrics
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import fields
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from controller.api.errors import InvalidSpec
from controller.assembly_logs import running
from controller.certificates import CertificateFiles, files_of
from controller.clock import Clock
from controller.health import Health
from controller.routing.settings import Certificates, RoutingSettings
from controller.settings import Settings


def routing_settings(settings: Settings) -> RoutingSettings:
    """What routing must know; tokens and the bridge's authority are read from their files.

    Raises:
        InvalidSpec: SettingInvalid, such a file cannot be read.
    """
    return RoutingSettings(
        proxy_network=settings.proxy_network,
        probe_url=settings.traefik_probe_url,
        public_url=settings.traefik_http_url,
        metrics_url=settings.traefik_metrics_url,
        provider_listen=settings.routing_listen,
        catchall_url=settings.catchall_url,
        token=_content("ROUTING_TOKEN_FILE", settings.routing_token_file),
        entrypoint=settings.traefik_entrypoint,
        probe_entrypoint=settings.traefik_probe_entrypoint,
        tls=settings.traefik_tls,
        cert_resolver=settings.traefik_cert_resolver,
        catchall_ca=_content("CATCHALL_CA_FILE", settings.catchall_ca_file),
        catchall_token=_content("CATCHALL_TOKEN_FILE", settings.catchall_token_file),
    )


def _content(setting: str, file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return file.read_text().strip()
    except OSError as error:
        raise InvalidSpec("SettingInvalid", f"{setting}={file}: {error.strerror}.") from error


@asynccontextmanager
async def open_certificates(settings: Settings, health: Health, clock: Clock) -> AsyncIterator[Certificates]:
    """The certificates that the settings name, read again when their files change.

    Raises:
        InvalidSpec: CertificateInvalid, one cannot be used; SettingInvalid, one file without the other.
    """
    found = Certificates(
        listener=files_of(
            "ROUTING_TLS", settings.routing_tls_cert_file, settings.routing_tls_key_file, clock
        ),
        previews=files_of("TRAEFIK", settings.traefik_cert_file, settings.traefik_key_file, clock),
    )
    async with AsyncExitStack() as stack:
        for name, files in named(found).items():
            health.watch(f"certificates.{name}", files.check)
            await stack.enter_async_context(running(files.run, clock))
        yield found


def named(certificates: Certificates) -> Mapping[str, CertificateFiles]:
    """Those that there are, by what they are for."""
    pairs = ((field.name, getattr(certificates, field.name)) for field in fields(certificates))
    return {name: files for name, files in pairs if files is not None}


class Expiries(Collector):
    """Until when each certificate is good, read when somebody asks."""

    def __init__(self, certificates: Certificates) -> None:
        self._files = named(certificates)

    def describe(self) -> Iterable[Metric]:
        """See Collector.describe: nothing is fixed."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """See Collector.collect."""
        family = GaugeMetricFamily(
            "previewcloud_certificate_expiry_timestamp_seconds",
            "Until when a certificate given by setting is good: of the routing listener, of the previews.",
            labels=["certificate"],
        )
        for name, files in self._files.items():
            family.add_metric([name], files.pair.expires.timestamp())
        yield family
