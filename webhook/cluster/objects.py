"""What the bridge writes to the cluster, as JSON; and which Preview it may write to. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import ValidationError

from controller.api.errors import Conflict, InvalidSpec, NotReady
from controller.api.names import GROUP, REPOSITORY_LABEL, PreviewKey, repository_label
from controller.api.preview import Preview, describe
from controller.api.spec import PreviewSpec
from webhook.cluster.index import PreviewIndex
from webhook.cluster.protocol import ORIGIN_LABEL, Origin, Wanted, WantedSecret
from webhook.subject import Subject

API_VERSION = f"{GROUP}/v1alpha1"
PULL_REQUEST_LABEL = f"{GROUP}/pull-request"
"""On a Preview that the bridge made: the number of its pull request."""
FOR_LABEL = f"{GROUP}/for"
"""On a Secret that the bridge made: the name of the Preview that it is for."""
_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


def is_label(value: str) -> bool:
    """May stand as a label's value (Kubernetes, Labels and Selectors: Syntax and character set)."""
    return _LABEL_VALUE.fullmatch(value) is not None


def made_here(labels: Mapping[str, str]) -> bool:
    """These are the labels of something that the bridge made."""
    return ORIGIN_LABEL in labels


def read(body: Mapping[str, object]) -> Preview:
    """Read a Preview; fields of later versions are left out, since the bridge writes only its own.

    Raises:
        InvalidSpec: SpecInvalid, naming every field that is wrong.
    """
    try:
        return Preview.model_validate(body, extra="ignore")
    except ValidationError as error:
        raise InvalidSpec("SpecInvalid", describe(error)) from None


def spec_json(spec: PreviewSpec) -> dict[str, object]:
    """The spec as it is sent: only what was set, so that defaults stay the installation's."""
    return spec.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)


def labels_of(subject: Subject, origin: Origin) -> dict[str, str]:
    """A Preview's labels; a repository whose name cannot be a label's value has none."""
    labels = {ORIGIN_LABEL: origin.value}
    if is_label(repository := repository_label(subject.repository)):
        labels[REPOSITORY_LABEL] = repository
    if subject.pull_request is not None:
        labels[PULL_REQUEST_LABEL] = str(subject.pull_request)
    return labels


def preview_body(key: PreviewKey, wanted: Wanted, uid: str | None) -> dict[str, object]:
    """A Preview to be applied; with a UID it is refused where that very object is gone."""
    metadata: dict[str, object] = {
        "name": key.name,
        "namespace": key.namespace,
        "labels": labels_of(wanted.subject, wanted.origin),
    }
    if wanted.annotations:  # an empty mapping counts as a change each time
        metadata["annotations"] = dict(wanted.annotations)
    if uid is not None:
        metadata["uid"] = uid
    return {
        "apiVersion": API_VERSION,
        "kind": "Preview",
        "metadata": metadata,
        "spec": spec_json(wanted.spec),
    }


def secret_labels(secret: WantedSecret) -> dict[str, str]:
    """The labels of a Secret that the bridge makes; only the API's callers bring any."""
    return {
        ORIGIN_LABEL: Origin.API.value,
        REPOSITORY_LABEL: repository_label(secret.repository),
        FOR_LABEL: secret.preview,
    }


def secret_taken(secret: WantedSecret) -> Conflict:
    """The name of a Secret is held by one that is not the bridge's, or another repository's."""
    return Conflict(
        "SecretTaken",
        f"Secret {secret.name} exists and was not made by the bridge for {secret.repository}; "
        "rename or delete it.",
    )


def made_by_others(preview: Preview, subject: Subject) -> Conflict:
    """A Preview that the bridge did not make is in the way."""
    return Conflict(
        "MadeByOthers",
        f"Preview {preview.key} was not made by the bridge and stays as it is; "
        f"delete it for the bridge to make one for {subject}.",
    )


def target(index: PreviewIndex, namespace: str, subject: Subject) -> PreviewKey:
    """Which Preview to apply for a subject: the one that the bridge made for it, else the one of its name.

    Raises:
        Conflict (MadeByOthers): somebody else's stands for the subject, or has the name.
        NotReady (BeingDeleted): it is on its way out, and what was applied would go with it.
    """
    standing = index.of(subject)
    mine = [preview for preview in standing if made_here(preview.metadata.labels)]
    key = mine[0].key if mine else PreviewKey(namespace, subject.object_name)
    held = index.by_key(key)
    for preview in (*(() if mine else standing), *(() if held is None else (held,))):
        if not made_here(preview.metadata.labels):
            raise made_by_others(preview, subject)
    if held is not None and held.deleting:
        raise NotReady(
            "BeingDeleted", f"Preview {key} is being deleted; it can be made anew when that is over."
        )
    return key
