"""Close: a pull request was closed or a branch deleted; its Preview goes, the Record keeps what must stay."""

from __future__ import annotations

from datetime import datetime

from controller.api.preview import Preview
from webhook.cluster.protocol import COMMENT_ANNOTATION, EVENT_TIME
from webhook.intake.intent import Close, Decision, Known, Nothing, Remove
from webhook.intake.order import live, made_by_api, made_by_others, opened_until
from webhook.intake.reasons import ALREADY_CLOSED, MADE_BY_OTHERS, OLDER_EVENT

_KEPT_ANNOTATIONS = (EVENT_TIME, COMMENT_ANNOTATION)


def decide_close(intent: Close, known: Known) -> Decision:
    """What a close comes down to when its turn comes: events after it may have been handled before it.

    Args:
        intent: the close, with its time.
        known: what is known now. A close counts from its own second on: at the same time as an event that
            found the pull request open, the close wins.
    """
    if made_by_others(known):
        return MADE_BY_OTHERS
    until = opened_until(known)
    if until is not None and intent.at < until:
        return OLDER_EVENT
    return closed(intent.at, known)


def closed(at: datetime, known: Known) -> Decision:
    """The Preview goes, the close is remembered; for 30 days also where there was no Preview."""
    before, preview = known.record.closed, live(known)
    newest = at if before is None else max(at, before)
    if preview is not None:
        remember: dict[str, object] = {"closed": newest, **kept(preview)}
        return Remove(preview, "Closed", "The pull request was closed, or the branch deleted.", remember)
    if before == newest:
        return ALREADY_CLOSED
    return Nothing("CloseRemembered", "It was closed and has no preview.", remember={"closed": newest})


def kept(preview: Preview) -> dict[str, object]:
    """What a Record keeps of a Preview that goes, so that it can come back, as changes for `remember`.

    That is only the API's: its services stand nowhere else.
    """
    if not made_by_api(preview):
        return {}
    found = preview.metadata.annotations
    return {
        "spec": preview.spec.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True),
        "annotations": {name: found[name] for name in _KEPT_ANNOTATIONS if name in found},
    }
