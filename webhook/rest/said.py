"""What is said in a Preview's log of requests that changed it or were refused, with the token's subject.

made, removed, wished, refused ──▶ one line of the log ──▶ Told
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from controller.api.errors import Conflict
from controller.api.preview import Preview
from controller.logs.protocol import LogType
from webhook.logs.told import Said
from webhook.rest.call import Call, Tools
from webhook.rest.models import PreviewRequest
from webhook.rest.request import subject_of
from webhook.rest.upsert import Made

VIA = "api"
_SHORT = 12


def made(tools: Tools, call: Call, result: Made) -> None:
    """A Preview was asked for; one that is as it was is no news."""
    commit = result.preview.spec.source.commit[:_SHORT]
    if result.created:
        _tell(tools, call, result.preview, f"created for commit {commit}", LogType.DEPLOY)
    elif result.changed:
        _tell(tools, call, result.preview, f"commit {commit} is asked for, or other settings", LogType.DEPLOY)


def removed(tools: Tools, call: Call, preview: Preview) -> None:
    """A Preview was taken away."""
    _tell(tools, call, preview, "removed, as a request asked", LogType.DEPLOY)


def wished(tools: Tools, call: Call, preview: Preview, sentence: str) -> None:
    """Something was wished of a Preview, and this was answered."""
    _tell(tools, call, preview, f"wished: {sentence}")


@contextmanager
def refusals(tools: Tools, call: Call, preview: Preview | None = None) -> Iterator[None]:
    """Within it, a Conflict about a Preview that is there is said in its log, and goes on."""
    try:
        yield
    except Conflict as refused:
        found = preview or _standing(tools, call)
        if found is not None:
            _tell(tools, call, found, f"refused: {refused.reason}: {refused.message}")
        raise


def _standing(tools: Tools, call: Call) -> Preview | None:
    if not isinstance(call.body, PreviewRequest):
        return None
    return tools.api.cluster.of(subject_of(call.body))


def _tell(tools: Tools, call: Call, preview: Preview, message: str, kind: LogType = LogType.SYSTEM) -> None:
    tools.api.told.tell(preview, Said(message, call.caller.sub, kind, VIA))
