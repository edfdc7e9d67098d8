"""Which images are built here: services of the preview file go in, checked builds come out.

Nothing outside the working directory is given to a build, also not by a link.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from previewcloud.answers import FileService, PreviewFile
from previewcloud.event import Target
from previewcloud.failure import Failure

FILE_BYTES_MAX = 256 * 1024

_REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)\}")


@dataclass(frozen=True)
class Build:
    """One image: where from, and its full name. Paths are absolute."""

    service: str
    tag: str
    context: Path
    dockerfile: Path
    target: str
    arguments: Mapping[str, str]


def directory_of(workspace: Path, working_directory: str) -> Path:
    """Return the working directory, which must lie in the checkout.

    Raises:
        Failure: it does not, or is not there.
    """
    found = inside(workspace.resolve(), working_directory, "working-directory")
    if not found.is_dir():
        raise Failure(
            f"working-directory: {working_directory} is no directory of the checkout (actions/checkout first)"
        )
    return found


def read_preview_file(directory: Path, config_file: str) -> str:
    """Return the text of the preview file.

    Raises:
        Failure: it is not there, outside, too large or no text.
    """
    path = inside(directory, config_file, "config-file")
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
        text = content.decode()
    except FileNotFoundError:
        raise Failure(f"config-file: {config_file} is not there; is the repository checked out?") from None
    except (OSError, UnicodeDecodeError):
        raise Failure(f"config-file: {config_file} cannot be read as UTF-8 text") from None
    if len(content) > FILE_BYTES_MAX:
        raise Failure(f"config-file: {config_file} is larger than {FILE_BYTES_MAX} bytes")
    return text


def builds_of(file: PreviewFile, directory: Path, prefix: str, target: Target) -> list[Build]:
    """Return the builds that a preview file asks for.

    Raises:
        Failure: a path that leads outside or to nothing, or an argument that only the platform knows.
    """
    return [_build(service, file, directory, prefix, target) for service in file.builds]


def image_name(prefix: str, target: Target, service: str) -> str:
    """Return an image's name without its tag: lower case, and nothing that a registry refuses."""
    words = re.sub(r"[^a-z0-9]+", "-", f"{target.owner}-{target.repository}-{service}".lower())
    return f"{prefix}/{words.strip('-')}"


def inside(directory: Path, path: str, what: str) -> Path:
    """Return the real path of what lies in a directory; Failure where it leads out of it."""
    try:
        found = (directory / path).resolve()
    except (OSError, RuntimeError, ValueError):
        raise Failure(f"{what}: {path!r} is no path") from None
    if found != directory and directory not in found.parents:
        raise Failure(f"{what}: {path} leads out of {directory.name or directory}; give a path inside of it")
    return found


def _build(service: FileService, file: PreviewFile, directory: Path, prefix: str, target: Target) -> Build:
    what = f"services.{service.name}"
    context = inside(directory, service.context, f"{what}.context")
    if not context.is_dir():
        raise Failure(f"{what}.context: {service.context} is no directory")
    dockerfile = context / service.dockerfile
    if not inside(directory, str(dockerfile), f"{what}.dockerfile").is_file():
        raise Failure(f"{what}.dockerfile: {service.dockerfile} is not there, in {service.context}")
    values = _values(service.name, file, target)
    arguments = {
        name: _resolved(text, values, f"{what}.buildArgs.{name}") for name, text in service.arguments.items()
    }
    tag = f"{image_name(prefix, target, service.name)}:{target.commit}"
    return Build(service.name, tag, context, dockerfile.resolve(), service.target, arguments)


def _values(service: str, file: PreviewFile, target: Target) -> dict[str, str]:
    """Return what references in build arguments give, as far as it is known before there is a preview."""
    internal = {
        f"{name.upper().replace('-', '_')}_INTERNAL_URL": f"http://{name}:{port}"
        for name, port in file.ports.items()
    }
    return {
        **internal,
        "PR_NUMBER": "" if target.number is None else str(target.number),
        "BRANCH": target.branch,
        "COMMIT_SHA": target.commit,
        "REPO_OWNER": target.owner,
        "REPO_NAME": target.repository,
        "SERVICE_NAME": service,
    }


def _resolved(text: str, values: Mapping[str, str], what: str) -> str:
    for match in _REFERENCE.finditer(text):
        if match[1] is not None and match[1] not in values:
            raise Failure(
                f"{what}: ${{{match[1]}}} is not known before the preview is there; use it in env, or leave"
                " registry out, so that the operator builds"
            )
    return _REFERENCE.sub(lambda match: "${" if match[1] is None else values[match[1]], text)
