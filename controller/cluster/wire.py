"""The wire to an API server: method, path and JSON in, JSON out; refusals come out as the product's errors.

Who and where comes from the official client's configuration; the requests do not go through its generated
methods: those check every argument with pydantic and look for proxy and netrc in a thread before each call.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from kubernetes.aio import client, config

from controller.api.errors import BackendUnavailable, Conflict, PreviewError

TIMEOUT_SECONDS = 30.0
CONNECTIONS = 16
FORBIDDEN, NOT_FOUND, CONFLICT = 403, 404, 409


@dataclass(frozen=True)
class Request:
    """One request; `body` is sent as JSON, the statuses in `fine` are as good as an empty answer."""

    method: str
    path: str
    body: object | None = None
    query: Mapping[str, str] | None = None
    content_type: str = "application/json"
    fine: tuple[int, ...] = ()


class ApiServer:
    """One API server; create it with `connect`."""

    def __init__(self, configuration: client.Configuration, session: aiohttp.ClientSession) -> None:
        self._configuration = configuration
        self._session = session
        self._host = str(configuration.host).rstrip("/")

    @classmethod
    async def connect(cls) -> ApiServer:
        """Use the pod's own account, else the caller's kubeconfig."""
        configuration = client.Configuration()
        try:
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        except config.ConfigException:
            await config.load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        connector = aiohttp.TCPConnector(ssl=_tls(configuration), limit=CONNECTIONS)
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        proxy = configuration.proxy or _proxy(str(configuration.host))
        return cls(configuration, aiohttp.ClientSession(connector=connector, timeout=timeout, proxy=proxy))

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def call(self, request: Request) -> dict[str, Any]:
        """The decoded answer; an empty one where the refusal is fine.

        Raises:
            Conflict: 409. BackendUnavailable: anything else that is no success.
        """
        # asked for each time: a token may be short-lived and is then read anew
        token = await self._configuration.get_api_key_with_prefix("BearerToken")
        headers = {"Accept": "application/json", "Content-Type": request.content_type}
        if token:
            headers["Authorization"] = str(token)
        try:
            async with self._session.request(
                request.method,
                f"{self._host}{request.path}",
                params=request.query,
                data=None if request.body is None else json.dumps(request.body).encode(),
                headers=headers,
                server_hostname=self._configuration.tls_server_name,
            ) as response:
                content = await response.read()
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise _unavailable(type(error).__name__) from error
        if response.status in request.fine:
            return {}
        if response.status >= 400:
            raise _refused(response.status, content)
        return cast("dict[str, Any]", json.loads(content))


def _tls(configuration: client.Configuration) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert, cadata=configuration.ca_cert_data)
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if configuration.disable_strict_ssl_verification:
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _proxy(url: str) -> str | None:
    """The environment's proxy for an address, looked up once."""
    parts = urlsplit(url)
    return None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)


def _refused(status: int, content: bytes) -> PreviewError:
    try:
        message = str(json.loads(content).get("message", ""))
    except (ValueError, AttributeError):
        message = ""
    if status == CONFLICT:
        return Conflict("ObjectExists", message)
    return _unavailable(f"status {status}: {message}")


def _unavailable(cause: str) -> BackendUnavailable:
    return BackendUnavailable(
        "ClusterUnavailable", f"The API server did not do what was asked ({cause[:500]}); it is tried again."
    )
