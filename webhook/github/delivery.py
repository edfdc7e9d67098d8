"""GitHub's webhook protocol without I/O: from headers and bytes to an event.

    body, headers ── verify ──▶ signed by GitHub ── parse ──▶ Delivery(id, name, event)
                        └──────────── Refused(status, code, message) ◀────┘

The rules are those of GitHub's documentation, "Webhook events and payloads". A refusal says what to change,
and repeats nothing of what was sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from webhook.github.events import (
    CommentEvent,
    Event,
    OtherEvent,
    PingEvent,
    PullRequestEvent,
    PushEvent,
)
from webhook.github.refusal import Refused
from webhook.github.signature import Secrets, verify

__all__ = ["Delivery", "Refused", "Secrets", "identified", "parse", "verify"]

EVENT_HEADER = "X-GitHub-Event"
ID_HEADER = "X-GitHub-Delivery"
JSON = "application/json"

_Known = PullRequestEvent | PushEvent | CommentEvent | PingEvent
_MODELS: Mapping[str, type[_Known]] = {
    "pull_request": PullRequestEvent,
    "push": PushEvent,
    "issue_comment": CommentEvent,
    "ping": PingEvent,
}
_EVENT_FORM = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_ID_FORM = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_FIELDS_NAMED = 5
"""Of the fields that are wrong; more would only repeat the same mistake."""


@dataclass(frozen=True)
class Delivery:
    """One delivery; GitHub sends it again under the same id when asked to."""

    id: str
    name: str
    """The event as X-GitHub-Event has it."""
    event: Event

    @property
    def action(self) -> str | None:
        """What happened, for events that tell several things apart."""
        event = self.event
        return event.action if isinstance(event, PullRequestEvent | CommentEvent) else None

    @property
    def repository(self) -> str | None:
        """owner/name, of an event that is looked at."""
        match self.event:
            case PullRequestEvent() | CommentEvent() | PushEvent() as event:
                return event.repository.full_name
        return None


def identified(headers: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Name of the event and id of the delivery as far as the headers hold them in their form, for logs."""
    name, delivery = headers.get(EVENT_HEADER, ""), headers.get(ID_HEADER, "")
    return (
        name if _EVENT_FORM.fullmatch(name) else None,
        delivery if _ID_FORM.fullmatch(delivery) else None,
    )


def parse(headers: Mapping[str, str], body: bytes) -> Delivery:
    """Read a delivery that was verified; an event that means nothing here is not looked into.

    Args:
        headers: of the request, in a mapping that ignores case.
        body: exactly as it came.

    Raises:
        Refused: 400 for headers of another form or a body that is no JSON, 415 for another content type, 422
            for JSON whose fields are not as GitHub documents them.
    """
    name, delivery = identified(headers)
    if name is None:
        raise _header(EVENT_HEADER, "EventMissing", "the event's name, as in pull_request")
    if delivery is None:
        raise _header(ID_HEADER, "DeliveryMissing", "the delivery's id: 64 letters, digits and '-' at most")
    content_type = headers.get("Content-Type", "")
    if content_type != JSON:
        _expect_json(content_type)
    model = _MODELS.get(name)
    event: Event = OtherEvent(name=name) if model is None else _read(model, body)
    return Delivery(delivery, name, event)


def _header(header: str, code: str, expected: str) -> Refused:
    return Refused(400, code, f"{header} must be there and hold {expected}.")


def _expect_json(content_type: str) -> None:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == JSON:
        return
    found = "The delivery is form-encoded" if media_type.endswith("form-urlencoded") else "This is no JSON"
    raise Refused(
        415, "ContentTypeWrong", f"{found}: set the webhook's content type on GitHub to application/json."
    )


def _read(model: type[_Known], body: bytes) -> _Known:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False, include_context=False)
    if wrong[0]["type"] == "json_invalid":
        raise Refused(400, "BodyInvalid", f"The body must be JSON in UTF-8. {wrong[0]['msg']}.")
    named = "; ".join(_field(item["loc"], item["msg"]) for item in wrong[:_FIELDS_NAMED])
    raise Refused(422, "PayloadUnexpected", f"The payload is not as GitHub documents it. {named}.")


def _field(path: Iterable[int | str], message: str) -> str:
    return f"{'.'.join(map(str, path)) or 'body'}: {message.removeprefix('Value error, ')}"
