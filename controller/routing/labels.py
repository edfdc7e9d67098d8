"""From an instance to the Traefik labels of its container.

Two routers by label. One of the instance alone, on the private entry point: that is how it is probed
before anything leads to it, and how the bridge hands it what it held while the instance was woken. And the
public one at low priority, which routes while the operator is away.

Old and new instance stand side by side during an update and both carry the public router; Traefik drops a
router that two containers describe differently, so nothing in it may depend on the instance: it leads to
a service that the two share, where Traefik merges their servers (their ports may differ), and a retry
steps over the one that does not listen yet. Only a changed password or host makes the two differ: then
neither counts, which refuses rather than opens, and only if the operator is away in that very moment.
"""

from __future__ import annotations

from controller.api.headers import FORWARD_HEADER, INSTANCE_HEADER
from controller.routing.settings import RoutingSettings
from controller.routing.words import (
    FALLBACK_PRIORITY,
    REALM,
    auth_name,
    checked_name,
    checked_users,
    forward_rule,
    host_rule,
    identity_name,
)
from controller.runtime.protocol import InstanceSpec

_RETRY = "retry-4x50ms"


def traefik_labels(spec: InstanceSpec, settings: RoutingSettings) -> dict[str, str]:
    """All labels of an instance's container.

    Args:
        spec: the instance; an `InvalidSpec` is raised when a name, host or password line of it is not safe.
        settings: names of entry points, network and certificate resolver.
    """
    labels = {"traefik.enable": "true", "traefik.docker.network": settings.proxy_network}
    labels |= _instance_labels(spec, settings)
    if spec.route.public:
        labels |= _public_labels(spec, settings)
    return labels


def _instance_labels(spec: InstanceSpec, settings: RoutingSettings) -> dict[str, str]:
    name = checked_name(spec.name)
    router = f"traefik.http.routers.{name}"
    headers = f"traefik.http.middlewares.{identity_name(name)}.headers"
    return {
        f"traefik.http.services.{name}.loadbalancer.server.port": str(spec.port),
        f"{headers}.customresponseheaders.{INSTANCE_HEADER}": name,
        # Empty: the application is not told how the request came to it.
        f"{headers}.customrequestheaders.{FORWARD_HEADER}": "",
        f"{router}.rule": forward_rule(name),
        f"{router}.entrypoints": settings.probe_entrypoint,
        f"{router}.service": name,
        f"{router}.middlewares": identity_name(name),
    }


def _public_labels(spec: InstanceSpec, settings: RoutingSettings) -> dict[str, str]:
    name = checked_name(spec.route.router)
    router = f"traefik.http.routers.{name}"
    middlewares = [_RETRY]
    labels = {
        f"traefik.http.services.{name}.loadbalancer.server.port": str(spec.port),
        f"traefik.http.middlewares.{_RETRY}.retry.attempts": "4",
        f"traefik.http.middlewares.{_RETRY}.retry.initialinterval": "50ms",
        f"{router}.rule": host_rule(spec.route.host),
        f"{router}.entrypoints": settings.entrypoint,
        f"{router}.priority": str(FALLBACK_PRIORITY),
        f"{router}.service": name,
    }
    if spec.route.users is not None:
        auth = auth_name(spec.route.users)
        middlewares.insert(0, auth)
        labels[f"traefik.http.middlewares.{auth}.basicauth.users"] = checked_users(spec.route.users)
        labels[f"traefik.http.middlewares.{auth}.basicauth.realm"] = REALM
        labels[f"traefik.http.middlewares.{auth}.basicauth.removeheader"] = "true"
    labels[f"{router}.middlewares"] = ",".join(middlewares)
    if settings.tls:
        labels[f"{router}.tls"] = "true"
        if settings.cert_resolver:
            labels[f"{router}.tls.certresolver"] = settings.cert_resolver
    return labels
