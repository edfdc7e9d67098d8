"""Why nothing is done, in the words that several steps share; docs/bridge.md explains every reason."""

from __future__ import annotations

from webhook.intake.intent import Nothing

ALREADY_THERE = Nothing("AlreadyThere", "The preview is at this commit already.")
ALREADY_CLOSED = Nothing("AlreadyClosed", "The close was handled already, and there is no preview.")
CLONE_URL_MISSING = Nothing(
    "CloneUrlMissing", "GitHub did not say where the repository is cloned from; it may be gone."
)
CLOSED_BEFORE = Nothing(
    "ClosedBefore", "It was closed after this; only opening the pull request again brings its preview back."
)
DESTROYED = Nothing(
    "Destroyed", "The preview was destroyed on somebody's wish; /preview deploy or reopening brings it back."
)
MADE_BY_API = Nothing("MadeByApi", "The preview was made through the API, which decides what it runs.")
MADE_BY_OTHERS = Nothing(
    "MadeByOthers", "The Preview was not made by the bridge, which leaves it to those who made it."
)
OLDER_EVENT = Nothing("OlderEvent", "Something newer was handled already.")
ORDER_UNKNOWN = Nothing(
    "OrderUnknown",
    "Something else of the same second was handled, and without asking GitHub nobody knows which is newer.",
)
PULL_REQUEST_CLOSED = Nothing("PullRequestClosed", "The pull request is closed and has no preview.")
REPOSITORY_DIFFERS = Nothing(
    "RepositoryDiffers", "The pull request goes into another repository than the one named; was it renamed?"
)
