"""What PreviewCloud's API answers, as far as it matters here: JSON goes in, checked values come out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from previewcloud.failure import Failure

Json = Mapping[str, object]

MAIN_SERVICES = ("web", "frontend", "app", "api")


@dataclass(frozen=True)
class Preview:
    """A preview; `id` is empty until it has one, `urls` are by service."""

    id: str
    status: str
    urls: Mapping[str, str] = field(default_factory=dict)
    number: int | None = None
    branch: str = ""
    reason: str = ""
    message: str = ""

    @property
    def url(self) -> str:
        """The main URL: that of web, else frontend, app, api, else of the first service."""
        main = (self.urls[name] for name in MAIN_SERVICES if name in self.urls)
        return next(main, next(iter(self.urls.values()), ""))


@dataclass(frozen=True)
class FileService:
    """A service of a preview file that is to be built; paths as they stand there."""

    name: str
    context: str
    dockerfile: str
    target: str
    arguments: Mapping[str, str]


@dataclass(frozen=True)
class PreviewFile:
    """What a preview file asks for: the services to build, and the port of each service that names one."""

    builds: tuple[FileService, ...]
    ports: Mapping[str, int]


def preview(data: object) -> Preview:
    """Read a preview, or its state in short.

    Raises:
        Failure: it is neither.
    """
    found = _object(data)
    if not isinstance(found.get("status"), str):
        raise Failure("the API's answer has no status; is api-url really PreviewCloud's API?")
    number = found.get("prNumber")
    return Preview(
        id=_text(found, "previewId"),
        status=_text(found, "status"),
        urls=_texts(found.get("urls")),
        number=number if isinstance(number, int) else None,
        branch=_text(found, "branch"),
        reason=_text(found, "reason"),
        message=_text(found, "message"),
    )


def preview_file(data: object) -> PreviewFile:
    """Read what a preview file asks for; Failure where that cannot be told."""
    services = _object(_object(data).get("services"))
    if not services:
        raise Failure("the API's answer names no services; is api-url really PreviewCloud's API?")
    builds, ports = [], {}
    for name, service in services.items():
        build, port = _object(service).get("build"), _object(service).get("port")
        if isinstance(port, int):
            ports[name] = port
        if isinstance(build, dict):
            context, dockerfile = (_text(build, key) for key in ("context", "dockerfile"))
            target, arguments = _text(build, "target"), _texts(build.get("args"))
            builds.append(FileService(name, context or ".", dockerfile or "Dockerfile", target, arguments))
    return PreviewFile(tuple(builds), ports)


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _text(parent: Json, key: str) -> str:
    found = parent.get(key)
    return found if isinstance(found, str) else ""


def _texts(value: object) -> dict[str, str]:
    return {name: text for name, text in _object(value).items() if isinstance(text, str)}
