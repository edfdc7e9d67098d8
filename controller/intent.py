"""Intent: what somebody wants of a Preview, to tell a newer wish from an event that says nothing new.
Pure.
"""

from __future__ import annotations

from controller.api.names import (
    GROUP,
    INCARNATION_ANNOTATION,
    KEEP_UNTIL,
    PIN,
    SLEEP,
    SLUG_ANNOTATION,
    WAKE,
)
from controller.api.preview import Preview
from controller.passes import Trigger

LIFE_WISHES = (SLEEP, WAKE, PIN, KEEP_UNTIL)
"""What they ask for is decided first; only what is decided may cancel what runs."""
_NOT_WISHES = (SLUG_ANNOTATION, INCARNATION_ANNOTATION, *LIFE_WISHES)


def intent(preview: Preview) -> tuple[object, ...]:
    """What a creator can change: when it differs, what runs is out of date."""
    ours = {key: value for key, value in preview.metadata.annotations.items() if key.startswith(f"{GROUP}/")}
    for other in _NOT_WISHES:
        ours.pop(other, None)
    return (preview.metadata.uid, preview.metadata.generation, preview.deleting, tuple(sorted(ours.items())))


def life_wishes(preview: Preview) -> tuple[str | None, ...]:
    """What is asked for about its sleep and its end: when it differs, the preview is looked at again."""
    return tuple(preview.metadata.annotations.get(wish) for wish in LIFE_WISHES)


def trigger_of(before: Preview, now: Preview) -> Trigger:
    """What a newer body rings for, when it wants something else."""
    if now.deleting:
        return Trigger.DELETED
    if now.metadata.uid != before.metadata.uid:
        return Trigger.CREATED
    return Trigger.CHANGED if now.metadata.generation != before.metadata.generation else Trigger.WISH
