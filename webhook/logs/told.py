"""Told: what the bridge itself says in the log of a Preview, with who was behind it.

delivery, command, request ──▶ what was decided ──▶ Told ──▶ (handover) ──▶ the operator, which alone writes
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from controller.api.preview import Preview
from controller.logs.protocol import LogType

BY_MAX = 200


@dataclass(frozen=True)
class Said:
    """One thing that was said."""

    message: str
    by: str
    """A login, the subject of a token, `GitHub` where it did not say, or the bridge's `comparison` itself."""
    type: LogType = LogType.SYSTEM
    via: str = ""
    """The way it came: `webhook`, `comment`, `api`, `comparison`."""

    @property
    def metadata(self) -> dict[str, str | int]:
        """What stands beside the message."""
        return {"by": self.by[:BY_MAX], **({"via": self.via} if self.via else {})}


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
