"""Words: what is said at a preview's address about how it is: status, headline, sentence. Pure.

    State, what the resource says ──▶ Said ──▶ a page for people, a line for machines

A stranger, who came by the catch-all router, hears phase and reason, and no step and no name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from controller.api.preview import Preview
from webhook.visit.state import State, reason_of
from webhook.visit.target import Target


@dataclass(frozen=True)
class Said:
    """What is answered."""

    state: State
    status: int
    title: str
    text: str
    step: str = ""
    """What is being done right now."""
    retry: int | None = None
    """In how many seconds to ask again; None: that helps nothing."""


_SAID = {
    State.UNREAD: Said(State.UNREAD, 503, "One moment", "The platform has only just started.", retry=2),
    State.UNKNOWN: Said(
        State.UNKNOWN, 404, "No preview here", "There is no preview at this address, or not any more."
    ),
    State.REMOVED: Said(State.REMOVED, 404, "Removed", "This preview is being removed."),
    State.EXPIRED: Said(
        State.EXPIRED,
        404,
        "Expired",
        "This preview was not used for long, or its time was over. A push to its branch brings it back, "
        "and so does /preview deploy on its pull request.",
    ),
    State.SUSPENDED: Said(
        State.SUSPENDED, 503, "Suspended", "Somebody suspended this preview; it goes on when that is undone."
    ),
    State.ASLEEP: Said(State.ASLEEP, 503, "Asleep", "This preview sleeps while nobody uses it.", retry=2),
    State.WAKING: Said(
        State.WAKING, 503, "Waking up", "This preview was asleep and is being started.", retry=2
    ),
    State.QUEUED: Said(
        State.QUEUED, 503, "In the queue", "This preview waits until there is room for it.", retry=10
    ),
    State.BUILDING: Said(State.BUILDING, 503, "Getting ready", "This preview is being made ready.", retry=5),
    State.UNAPPROVED: Said(
        State.UNAPPROVED,
        503,
        "Waiting for approval",
        "Its commit comes from a fork: somebody with write permission approves it with /preview approve on "
        "the pull request.",
        retry=30,
    ),
    State.FAILED: Said(
        State.FAILED,
        502,
        "Failed",
        "This preview could not be made ready. Its pull request says why, and has a link to the log.",
        retry=30,
    ),
    State.RUNNING: Said(
        State.RUNNING,
        503,
        "Almost there",
        "This preview runs, and its address leads to it in a moment.",
        retry=1,
    ),
}


def said_of(target: Target, state: State) -> Said:
    """What is said to who asked for a target that is in this state."""
    said, preview = _SAID[state], target.preview
    if preview is None:
        return said
    if state is State.QUEUED:
        return replace(said, text=f"{said.text}{_place(preview)}")
    if state is State.FAILED:
        return replace(said, title=f"Failed: {reason_of(preview) or 'Unknown'}")
    if state in {State.BUILDING, State.WAKING} and target.own:
        return replace(said, step=preview.status.step or "")
    return said


def waking(said: Said) -> Said:
    """The same of one that was asleep and was just asked to wake."""
    return _SAID[State.WAKING] if said.state is State.ASLEEP else said


def unheld(said: Said, why: str) -> Said:
    """The same to a request that was not held, or not long enough."""
    return replace(said, status=503, text=f"{said.text} {why}", retry=said.retry or 2)


def line(said: Said) -> str:
    """One line for machines."""
    step = f" Now: {said.step}." if said.step else ""
    again = f" Try again in {said.retry} s." if said.retry is not None else ""
    return " ".join(f"{said.title}: {said.text}{step}{again}".split()) + "\n"


def _place(preview: Preview) -> str:
    position, length = preview.status.queue_position, preview.status.queue_length
    if position is None:
        return ""
    return f" Position {position} of {length}." if length is not None else f" Position {position}."
