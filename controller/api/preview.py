"""The Preview resource as a whole: a body from the API server becomes a frozen `Preview` here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import Field, ValidationError

from controller.api.errors import InvalidSpec
from controller.api.model import Observed
from controller.api.names import FINALIZER, INCARNATION_ANNOTATION, SLUG_ANNOTATION, LogKey, PreviewKey
from controller.api.spec import PreviewSpec
from controller.api.status import PreviewStatus


class Metadata(Observed):
    """The part of the metadata that the operator looks at."""

    name: str
    namespace: str
    uid: str
    generation: int = 1
    resource_version: str = ""
    annotations: dict[str, str] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict)
    finalizers: tuple[str, ...] = ()
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None


class Preview(Observed):
    """One Preview as the API server has it."""

    metadata: Metadata
    spec: PreviewSpec
    status: PreviewStatus = Field(default_factory=PreviewStatus)

    @property
    def key(self) -> PreviewKey:
        """Its identity: namespace and name."""
        return PreviewKey(self.metadata.namespace, self.metadata.name)

    @property
    def deleting(self) -> bool:
        """Somebody asked for its deletion."""
        return self.metadata.deletion_timestamp is not None

    @property
    def slug(self) -> str | None:
        """The slug it was given; the annotation counts, since a restore loses the status."""
        return self.metadata.annotations.get(SLUG_ANNOTATION) or self.status.slug

    @property
    def incarnation(self) -> str:
        """The same from its making to its deletion, also when it was restored under another UID."""
        return self.metadata.annotations.get(INCARNATION_ANNOTATION) or self.metadata.uid

    @property
    def log_key(self) -> LogKey:
        """Which log is its own."""
        return LogKey(self.spec.source.repository.lower(), self.incarnation)

    @property
    def held(self) -> bool:
        """It carries our finalizer."""
        return FINALIZER in self.metadata.finalizers


def parse(body: Mapping[str, object]) -> Preview:
    """Read a body from the API server.

    Raises:
        InvalidSpec: SpecInvalid, naming every field that is wrong.
    """
    try:
        return Preview.model_validate(body)
    except ValidationError as error:
        raise InvalidSpec("SpecInvalid", describe(error)) from None


def key_of(body: Mapping[str, object]) -> PreviewKey:
    """Whose body it is, also where the rest of it cannot be read."""
    metadata = body["metadata"]
    assert isinstance(metadata, Mapping)  # an API server's
    return PreviewKey(str(metadata["namespace"]), str(metadata["name"]))


def describe(error: ValidationError) -> str:
    """A validation error in one line per wrong field; input values are left out, they may be secret."""
    found = [
        f"{'.'.join(str(part) for part in item['loc'])}: {item['msg'].removeprefix('Value error, ')}"
        for item in error.errors(include_input=False, include_url=False)
    ]
    return "; ".join(found)
