"""What is said of a preview that does not run, or not for long any more: why, and what brings it back. Pure.

The operator's reason becomes a sentence for those who read the pull request; a reason that is not known here
is told in the operator's own words.
"""

from __future__ import annotations

from webhook.feedback.state import State
from webhook.feedback.text import escaped
from webhook.feedback.view import View

_ASLEEP = {
    "Idle": "Nobody used it for a while.",
    "Asked": "Somebody put it to sleep.",
    "Evicted": "Another preview needed the room, and this one was not used for the longest time.",
}
_EXPIRED = {
    "Idle": "Nobody used it for long.",
    "TimeOver": "Its time was over.",
    "SleepingLimit": "Too many previews were asleep, and this one was for the longest time.",
}
_PLAIN = frozenset({"", "Asleep", "Done", "Expired", "Sleeping"})
"""Reasons that say no more than the state does."""
TORN_DOWN = "Its containers and its databases are gone."
BACK = "A push or `/preview deploy` brings it back, with new databases."
LONGER = "`/preview extend 24h` keeps it longer, `/preview pin` until somebody says otherwise."


def why(view: View) -> str:
    """Why it rests, in a sentence; empty where nobody said."""
    rest = view.rest
    if rest is None:
        return ""
    known = (_EXPIRED if view.state is State.EXPIRED else _ASLEEP).get(rest.reason)
    if known is not None and view.state is not State.QUEUED:
        return known
    return escaped(rest.message, 300) if rest.reason not in _PLAIN else ""


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
