"""What is said of a preview that does not run, or not for long any more: why, and what brings it back. Pure.

The operator's messages say why, and behind a colon what to do; the latter is said here in the words of a pull
request.
"""

from __future__ import annotations

from webhook.feedback.state import State
from webhook.feedback.text import escaped
from webhook.feedback.view import View

TORN_DOWN = "Its containers and its databases are gone."
BACK = "A push or `/preview deploy` brings it back, with new databases."
LONGER = "`/preview extend 24h` keeps it longer, `/preview pin` until somebody says otherwise."


def why(view: View) -> str:
    """Why it rests, as the operator says it; empty where nobody said."""
    if view.rest is None or not view.rest.message:
        return ""
    if view.state is State.QUEUED:
        return escaped(view.rest.message, 300)
    cause, colon, _ = view.rest.message.partition(": ")
    return escaped(f"{cause}." if colon else cause, 300)


def resting(view: View) -> str:
    """Why it sleeps, waits or has expired, and what happens next."""
    match view.state:
        case State.QUEUED:
            parts = [_place(view), why(view)]
        case State.SLEEPING:
            parts = [why(view), "Opening an address wakes it."]
        case _:
            parts = [why(view), TORN_DOWN, BACK]
    return " ".join(part for part in parts if part)


def ending(view: View) -> str:
    """That its time is over soon; empty where it is not."""
    return f"**Its time is over at {view.ends}.** {LONGER}" if view.ends else ""


def _place(view: View) -> str:
    if not view.queue_position:
        return "Waits for its turn."
    of = f" of {view.queue_length}" if view.queue_length else ""
    return f"Place {view.queue_position}{of} in the queue."
