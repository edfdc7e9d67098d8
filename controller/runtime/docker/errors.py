"""What the engine refuses, in the words of controller.api.errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from controller.api.errors import BackendUnavailable, Conflict, InvalidSpec, NotReady
from controller.runtime.docker.transport import EngineRefused


def name_taken(kind: str, name: str) -> Conflict:
    """A name that something foreign holds."""
    return Conflict(
        "NameTaken", f"{kind} {name} on the engine is not of this installation; remove or rename it there."
    )


def network_missing(name: str) -> NotReady:
    """A network that is not there (any more)."""
    return NotReady(
        "NetworkMissing",
        f"Network {name} is not on the engine; it is created again, else prepare the engine.",
    )


def image_missing(reference: str) -> InvalidSpec:
    """An image that is not on the engine."""
    return InvalidSpec("ImageNotFound", f"Image {reference} is not on the engine; pull or build it.")


def in_use(subject: str) -> NotReady:
    """What nobody of ours needs, and somebody else still has."""
    return NotReady("InUse", f"{subject} is still used by a container; remove that container.")


@contextmanager
def translated(subject: str) -> Iterator[None]:
    """Whatever else the engine refuses about `subject` is its failure, not the user's: try again later."""
    try:
        yield
    except ValidationError as error:
        raise BackendUnavailable(
            "EngineError",
            f"{subject}: the Docker engine's answer is not understood ({error.error_count()} fields of "
            f"{error.title}); is it older than 20.10?",
        ) from error
    except EngineRefused as error:
        raise BackendUnavailable(
            "EngineError",
            f"{subject}: the Docker engine answered {error.status} ({error.message[:300]}); look at its log.",
        ) from error
