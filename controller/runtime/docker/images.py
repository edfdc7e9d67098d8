"""Images on the engine: looked at, pulled line by line, listed by owner, untagged."""

from __future__ import annotations

import base64
import json
import re

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.api.names import IMAGE_PREFIX, PreviewKey
from controller.runtime.docker import wire
from controller.runtime.docker.labels import IMAGE, selector
from controller.runtime.docker.streams import LineReader
from controller.runtime.docker.transport import Call, EngineClient, EngineRefused, filters
from controller.runtime.imagelabels import IMAGE_INSTALLATION, IMAGE_PREVIEW, owner_of
from controller.runtime.protocol import ImageInfo, LineSink, OwnImage, RegistryCredentials

REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,500}")
HUB = "docker.io"
DENIED = ("denied", "unauthorized", "authentication required", "forbidden", "no basic auth")
NOT_FOUND = ("not found", "manifest unknown", "no such image", "does not exist", "invalid reference")
LOST = "unrecognized image ID"
"""What the engine says where another removal of the same image under another name came first: it is gone."""


class Images:
    """The engine's images as one installation sees them."""

    def __init__(self, client: EngineClient, installation: str) -> None:
        self._client = client
        self._installation = installation

    async def inspect(self, reference: str) -> wire.Image | None:
        """The engine's own words about an image; None when it is not there."""
        try:
            raw = await self._client.get(f"/images/{checked(reference)}/json")
        except EngineRefused as error:
            if error.status == 404:
                return None
            if error.status == 400:
                raise not_a_reference(reference) from error
            raise
        return wire.Image.model_validate_json(raw)

    async def info(self, reference: str) -> ImageInfo | None:
        """See Runtime.image."""
        image = await self.inspect(reference)
        if image is None:
            return None
        config = image.config or wire.ContainerConfig()
        ports = sorted(
            int(port.split("/")[0]) for port in config.exposed_ports or {} if not port.endswith("/udp")
        )
        return ImageInfo(reference, image.id, ports[0] if ports else None, config.labels or {})

    async def pull(self, reference: str, credentials: RegistryCredentials | None, on_line: LineSink) -> None:
        """See Runtime.pull."""
        query = {"fromImage": checked(reference)} if "@" in reference else _split(checked(reference))
        # The engine hands a login to whatever registry the reference names: only its own gets it.
        mine = credentials is not None and registry_of(reference) == _host(credentials.registry)
        headers = _auth(credentials) if credentials is not None and mine else {}
        call = Call("POST", "/images/create", query, headers=headers, timeout_seconds=None)
        lines = LineReader()
        try:
            async with self._client.open(call) as response:
                async for chunk in self._client.chunks(response):
                    for line in lines.feed(chunk):
                        self._progress(reference, line, on_line)
            for line in lines.end():
                self._progress(reference, line, on_line)
        except EngineRefused as error:
            raise pull_failure(reference, error.message) from error

    async def owned(self, preview: PreviewKey, used: frozenset[str]) -> tuple[OwnImage, ...]:
        """Built for a preview and not used by siblings alone, or built for a sibling and used by this one."""
        labels = [f"{IMAGE_INSTALLATION}={self._installation}", f"{IMAGE_PREVIEW}={preview}"]
        rows = wire.IMAGES.validate_json(
            await self._client.get("/images/json", filters=filters(label=labels))
        )
        built = {tag for row in rows for tag in row.tags or () if tag.startswith(IMAGE_PREFIX)}
        found = {name for name in built if name in used or not await self._in_use(name)}
        for reference in used - found:
            if reference.startswith(IMAGE_PREFIX):
                info = await self.info(reference)
                if info is not None and owner_of(reference, info.labels, self._installation) is not None:
                    found.add(reference)
        return tuple(OwnImage(reference, preview) for reference in sorted(found))

    async def remove(self, reference: str, only: PreviewKey | None = None) -> None:
        """See Runtime.remove_image; with `only`, one that was built for another preview is left too."""
        info = await self.info(reference)
        owner = None if info is None else owner_of(reference, info.labels, self._installation)
        if owner is None or only not in (None, owner):
            return
        if await self._in_use(reference):
            return
        try:
            await self._client.delete(f"/images/{reference}")
        except EngineRefused as error:
            if error.status not in (404, 409) and LOST not in error.message:
                raise

    async def _in_use(self, reference: str) -> bool:
        query = filters(label=selector(self._installation, None, f"{IMAGE}={reference}"))
        found = await self._client.get("/containers/json", all=1, filters=query)
        return bool(wire.CONTAINERS.validate_json(found))

    @staticmethod
    def _progress(reference: str, line: str, on_line: LineSink) -> None:
        try:
            step = wire.Progress.model_validate_json(line)
        except ValueError:
            return
        if step.error:
            raise pull_failure(reference, step.error)
        if not step.progress and step.status:
            on_line(f"{step.id}: {step.status}" if step.id else step.status)


def checked(reference: str) -> str:
    """A reference that is safe in the path of a call; raises InvalidSpec (ImageNotFound)."""
    if not REFERENCE.fullmatch(reference) or ".." in reference:
        raise not_a_reference(reference)
    return reference


def not_a_reference(reference: str) -> InvalidSpec:
    """What is no image reference at all."""
    return InvalidSpec("ImageNotFound", f"{reference[:200]!r} is no image reference; write name:tag.")


def registry_of(reference: str) -> str:
    """The host of the registry that a reference names."""
    first, slash, _ = reference.partition("/")
    return _host(first) if slash and (set(".:") & set(first) or first == "localhost") else HUB


def _host(registry: str) -> str:
    """A registry as people write it (`https://index.docker.io/v1/`), reduced to its host."""
    host = registry.split("://", 1)[-1].split("/", 1)[0].lower()
    return HUB if host in ("index.docker.io", "registry-1.docker.io") else host


def pull_failure(reference: str, message: str) -> InvalidSpec | BackendUnavailable:
    """Whose fault a failed pull is, read from the registry's sentence."""
    text = message.lower()
    # Registries that hide what exists say "denied ... may require login" of what does not exist: say both.
    if any(word in text for word in DENIED):
        return InvalidSpec(
            "ImageDenied",
            f"Image {reference}: the registry refuses it; correct its name or give an imagePullSecretRef.",
        )
    if any(word in text for word in NOT_FOUND):
        return InvalidSpec(
            "ImageNotFound", f"Image {reference} is not in its registry; correct its name or tag."
        )
    return BackendUnavailable(
        "RegistryUnavailable", f"Image {reference} could not be pulled ({message[:200]}); it is tried again."
    )


def _split(reference: str) -> dict[str, str]:
    """Name and tag; without a tag the engine would fetch every tag there is."""
    head, slash, tail = reference.rpartition("/")
    name, _, tag = tail.partition(":")
    return {"fromImage": f"{head}{slash}{name}", "tag": tag or "latest"}


def _auth(credentials: RegistryCredentials) -> dict[str, str]:
    login = {
        "username": credentials.username,
        "password": credentials.password,
        "serveraddress": credentials.registry,
    }
    return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(login).encode()).decode()}
