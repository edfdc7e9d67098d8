"""Told: what the bridge itself says in the log of a Preview, with who was behind it.

delivery, command, request ──▶ what was decided ──▶ Told ──▶ (handover) ──▶ the operator, which alone writes
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from controller.api.preview import Preview
from controller.logs.protocol import LogType

BY_MAX = 200


@dataclass(frozen=True)
class Said:
    """One thing that was said."""

    message: str
    by: str
    """A login, the subject of a token, or what brought it: `webhook`, `comparison`."""
    type: LogType = LogType.SYSTEM
    more: dict[str, str | int] = field(default_factory=dict)

    @property
    def metadata(self) -> dict[str, str | int]:
        """What stands beside the message."""
        return {"by": self.by[:BY_MAX], **self.more}


class Told(Protocol):
    """Is told what was decided about Previews."""

    def tell(self, preview: Preview, said: Said) -> None:
        """Have it stand in this Preview's log; returns at once and never fails."""


class Unheard:
    """Where nobody takes it: there is no OPERATOR_URL."""

    def tell(self, preview: Preview, said: Said) -> None:
        """Nothing."""


class Overheard:
    """The twin: keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[Preview, Said]] = []

    def tell(self, preview: Preview, said: Said) -> None:
        """Keep it."""
        self.told.append((preview, said))

    @property
    def messages(self) -> list[str]:
        """All that was said, in turn."""
        return [said.message for _, said in self.told]
