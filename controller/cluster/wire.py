"""The wire to an API server: method, path and JSON in, JSON or a stream of changes out; refusals come out as
the product's errors.

Who and where comes from the official client's configuration; the requests do not go through its generated
methods: those check every argument with pydantic and look for proxy and netrc in a thread before each call.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import yaml
from kubernetes.aio import client, config

from controller.api.errors import BackendUnavailable, Conflict, InvalidSpec, PreviewError
from controller.cluster.writes import kind_written, result_of

TIMEOUT_SECONDS = 30.0
CONNECTIONS = 16
BAD_REQUEST, FORBIDDEN, NOT_FOUND, CONFLICT, GONE, TOO_LARGE, INVALID = 400, 403, 404, 409, 410, 413, 422
REFUSALS = frozenset({BAD_REQUEST, FORBIDDEN, TOO_LARGE, INVALID})
APPLY = "application/apply-patch+yaml"
"""Content type of a server-side apply; JSON is YAML too (Kubernetes, Server-Side Apply)."""
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""What asks for an object's metadata alone, or a list of them (Kubernetes API Concepts)."""
WATCH_SLACK_SECONDS = 15.0
"""How much longer than it was asked to a watch may last before its connection counts as dead."""
LINE_BYTES = 8 * 1024 * 1024
"""The longest line of a watch; etcd holds at most 1.5 MiB of an object, in fewer words."""
WORDS = 2000


Wrote = Callable[[str, str], None]
"""Takes a write that was answered, or that nobody answered: kind of object and result (`writes`)."""


@dataclass(frozen=True)
class Request:
    """One request; `body` is sent as JSON, the statuses in `fine` are as good as an empty answer.

    With `refusals`, who asks can do something about a refusal, and gets it in the API server's own words.
    """

    method: str
    path: str
    body: object | None = None
    query: Mapping[str, str] | None = None
    content_type: str = "application/json"
    fine: tuple[int, ...] = ()
    refusals: bool = False
    accept: str = "application/json"


@dataclass(frozen=True)
class Change:
    """One line of a watch: ADDED, MODIFIED, DELETED or BOOKMARK, with the object; OPENED before the first."""

    type: str
    object: Mapping[str, object] = field(default_factory=dict, repr=False)


OPENED = "OPENED"
"""The API server took the watch; what comes next are changes."""


class VersionGone(BackendUnavailable):
    """The API server no longer knows that resourceVersion, or the place in a list: list again."""


class Refused(InvalidSpec):
    """The API server refuses what is asked; said in its own words, to those who ask with `refusals`."""

    def __init__(self, message: str) -> None:
        super().__init__("Refused", message)


class ApiServer:
    """One API server; create it with `connect`."""

    def __init__(
        self, configuration: client.Configuration, session: aiohttp.ClientSession, wrote: Wrote | None = None
    ) -> None:
        self._configuration = configuration
        self._session = session
        self._wrote = wrote
        self._host = str(configuration.host).rstrip("/")

    @classmethod
    async def connect(cls, wrote: Wrote | None = None) -> ApiServer:
        """Use the pod's own account, else the caller's kubeconfig; InvalidSpec where there is neither."""
        configuration = client.Configuration()
        try:
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        except config.ConfigException:
            await _load_kubeconfig(configuration)
        return cls.at(configuration, wrote)

    @classmethod
    def at(cls, configuration: client.Configuration, wrote: Wrote | None = None) -> ApiServer:
        """The one that a configuration names; nothing is asked yet. `wrote` is told of every write."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        return cls(configuration, _session(configuration, CONNECTIONS, timeout), wrote)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def call(self, request: Request) -> dict[str, Any]:
        """The decoded answer; an empty one where the refusal is fine.

        Raises:
            Conflict: 409. Refused: 400, 403, 413 and 422, where the request has `refusals`.
            BackendUnavailable: anything else that is no success.
        """
        try:
            async with await self._send(self._session, request) as response:
                content = await response.read()
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            self._count(request, "unavailable")
            raise _unavailable(type(error).__name__) from error
        self._count(request, result_of(response.status))
        if response.status in request.fine:
            return {}
        if response.status >= BAD_REQUEST:
            raise _refused(response.status, content, words=request.refusals)
        try:
            return cast("dict[str, Any]", json.loads(content))
        except ValueError as error:  # of a proxy in between, perhaps
            raise _unavailable("an answer that is no JSON") from error

    def _count(self, request: Request, result: str) -> None:
        if self._wrote is not None and request.method != "GET":
            self._wrote(kind_written(request.path), result)

    async def watch(self, path: str, query: Mapping[str, str], seconds: int) -> AsyncGenerator[Change]:
        """What changes below a path, as it happens, over a connection of its own; ends when the time is over.

        Args:
            path: of a collection.
            query: with `resourceVersion`: of the list, or of the last change that was seen.
            seconds: after which the API server ends it.

        Raises:
            VersionGone: 410, as an answer or as an ERROR among the changes.
            BackendUnavailable: anything else that goes wrong.
        """
        request = Request("GET", path, query={**query, "watch": "1", "timeoutSeconds": str(seconds)})
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=TIMEOUT_SECONDS, sock_read=seconds + WATCH_SLACK_SECONDS
        )
        try:
            async with (
                _session(self._configuration, 1, timeout) as session,
                await self._send(session, request) as response,
            ):
                if response.status >= BAD_REQUEST:
                    raise _refused(response.status, await response.read())
                yield Change(OPENED)
                async for line in _lines(response.content.iter_any()):
                    yield _change(line)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise _unavailable(type(error).__name__) from error

    async def _send(
        self, session: aiohttp.ClientSession, request: Request
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        # asked for each time: a token may be short-lived and is then read anew
        token = await self._configuration.get_api_key_with_prefix("BearerToken")
        headers = {"Accept": request.accept, "Content-Type": request.content_type}
        if token:
            headers["Authorization"] = str(token)
        return session.request(
            request.method,
            f"{self._host}{request.path}",
            params=request.query,
            data=None if request.body is None else json.dumps(request.body).encode(),
            headers=headers,
            server_hostname=self._configuration.tls_server_name,
        )


async def _load_kubeconfig(configuration: client.Configuration) -> None:
    """Take over the caller's kubeconfig: where KUBECONFIG says, else ~/.kube/config."""
    try:
        await config.load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    except (config.ConfigException, OSError, TypeError, yaml.YAMLError) as error:  # TypeError: no mapping
        raise InvalidSpec(
            "KubeconfigMissing",
            f"Neither a pod's service account nor a kubeconfig that can be used: {error}. "
            "Give the pod its account, or let KUBECONFIG name a file.",
        ) from error


def _session(
    configuration: client.Configuration, connections: int, timeout: aiohttp.ClientTimeout
) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(ssl=_tls(configuration), limit=connections)
    proxy = configuration.proxy or _proxy(str(configuration.host))
    return aiohttp.ClientSession(connector=connector, timeout=timeout, proxy=proxy)


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


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The lines of a stream, without what stands after the last end of line."""
    rest = bytearray()
    async for chunk in chunks:
        seen = len(rest)
        rest += chunk
        begin = 0
        while (end := rest.find(b"\n", max(seen, begin))) >= 0:
            yield bytes(rest[begin:end])
            begin = end + 1
        del rest[:begin]
        if len(rest) > LINE_BYTES:
            raise _unavailable(f"a change of more than {LINE_BYTES} bytes")


def _change(line: bytes) -> Change:
    try:
        told = json.loads(line)
        change = Change(str(told["type"]), told["object"])
        code = change.object.get("code")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unavailable("a change that cannot be read") from error
    if change.type == "ERROR":
        raise _refused(code if isinstance(code, int) else 0, json.dumps(change.object).encode())
    return change


def _refused(status: int, content: bytes, *, words: bool = False) -> PreviewError:
    try:
        message = str(json.loads(content).get("message", ""))
    except (ValueError, AttributeError):
        message = ""
    if status == CONFLICT:
        return Conflict("ObjectExists", message)
    if status == GONE:
        return VersionGone("VersionGone", f"The API server forgot the changes since then ({message[:500]}).")
    if words and status in REFUSALS:
        return Refused(message[:WORDS] or f"The API server refuses it with status {status}.")
    return _unavailable(f"status {status}: {message}")


def _unavailable(cause: str) -> BackendUnavailable:
    return BackendUnavailable(
        "ClusterUnavailable", f"The API server did not do what was asked ({cause[:500]}); it is tried again."
    )
