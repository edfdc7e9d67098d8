"""Labels on images: which an image may carry, and how a built image says whose it is.

An engine hands an image's labels to its containers, and the proxy obeys container labels: an image that
speaks in the proxy's or in our words is refused before a container exists. Two keys are exempt, by which
a built image names its owner: nothing ever reads them from a container, on an image they count only under our
own prefix, and the builder's value wins over the Dockerfile's.
"""

from __future__ import annotations

from collections.abc import Mapping

from controller.api.errors import InvalidSpec
from controller.api.names import IMAGE_PREFIX, PreviewKey

REFUSED_PREFIXES = ("traefik.", "previewcloud.")
IMAGE_INSTALLATION = "previewcloud.image.installation"
IMAGE_PREVIEW = "previewcloud.image.preview"
OWNER_KEYS = frozenset({IMAGE_INSTALLATION, IMAGE_PREVIEW})


def owner_labels(installation: str, preview: PreviewKey) -> dict[str, str]:
    """The labels that a build adds to the image of a preview."""
    return {IMAGE_INSTALLATION: installation, IMAGE_PREVIEW: str(preview)}


def owner_of(reference: str, labels: Mapping[str, str], installation: str) -> PreviewKey | None:
    """The preview for which an image was built by this installation; None for any other image."""
    if not reference.startswith(IMAGE_PREFIX) or labels.get(IMAGE_INSTALLATION) != installation:
        return None
    try:
        return PreviewKey.parse(labels.get(IMAGE_PREVIEW, ""))
    except ValueError:
        return None


def check_labels(reference: str, labels: Mapping[str, str]) -> None:
    """Refuse an image whose labels would speak to the proxy or to us.

    Raises:
        InvalidSpec: ImageLabelRefused, naming the label.
    """
    exempt = OWNER_KEYS if reference.startswith(IMAGE_PREFIX) else frozenset()
    for key in sorted(labels):
        if key.lower().startswith(REFUSED_PREFIXES) and key not in exempt:
            raise InvalidSpec(
                "ImageLabelRefused",
                f"Image {reference} carries the label {key[:100]!r}; labels starting with "
                "traefik. or previewcloud. are reserved for the platform: remove it from the image.",
            )
