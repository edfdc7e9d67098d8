"""Marks: what a status keeps of a preview's life. Pure.

the status before ─┐
                   ├─▶ phaseSince, aliveSince, lastActivityTime, attempt, the wishes that are met
the phase now ─────┘
"""

from __future__ import annotations

from datetime import datetime

from controller.api.attempt import attempt_of
from controller.api.names import SLEEP, WAKE
from controller.api.preview import Preview
from controller.api.status import Phase, PreviewStatus
from controller.api.wishes import Wishes, wishes_of

RESTS = (Phase.SLEEPING, Phase.QUEUED, Phase.EXPIRED)
"""Nothing of it runs, and nothing is begun until it is decided so."""


def marks(
    before: PreviewStatus, preview: Preview, now: datetime, phase: Phase | None, *, taken_up: bool
) -> dict[str, object]:
    """The fields to write beside a phase.

    Args:
        before: the status as it was.
        preview: whose; its own status does not count.
        now: the time of day.
        phase: what is written now.
        taken_up: what the spec and the wishes ask for now is being worked on, or was decided on. Where it is
            not, they still count as new afterwards.
    """
    revived = before.phase is Phase.EXPIRED and phase not in (Phase.EXPIRED, Phase.DESTROYING)
    wishes = wishes_of(preview.model_copy(update={"status": before}))
    wake, sleep = _met(wishes, phase)
    fields: dict[str, object] = {
        "phase_since": before.phase_since if phase is before.phase and before.phase_since else now,
        "alive_since": now if revived else before.alive_since or preview.metadata.creation_timestamp or now,
    }
    if phase is None:
        fields["phase_since"] = before.phase_since
    if taken_up:
        fields |= {
            "attempt": attempt_of(preview),
            "observed_generation": preview.metadata.generation,
        }
    annotations = preview.metadata.annotations
    if wake or before.phase is None:
        fields["wake_handled"] = annotations.get(WAKE) or before.wake_handled
    if sleep or before.phase is None:
        fields["sleep_handled"] = annotations.get(SLEEP) or before.sleep_handled
    if revived or (wake and phase not in RESTS) or (taken_up and _another(before, preview)):
        fields["last_activity_time"] = now
    return fields


def _met(wishes: Wishes, phase: Phase | None) -> tuple[bool, bool]:
    """Whether the wishes to wake and to sleep are met by a phase, or overtaken by the other one."""
    if phase is Phase.SLEEPING:
        return bool(wishes.wake) and wishes.sleep_counts, bool(wishes.sleep)
    if phase is Phase.EXPIRED:
        return False, bool(wishes.sleep)
    if phase is None or phase is Phase.QUEUED:
        return False, False
    return bool(wishes.wake), bool(wishes.sleep) and wishes.wake_counts


def _another(before: PreviewStatus, preview: Preview) -> bool:
    """Somebody asks for something else than what was worked on before."""
    if before.attempt is not None and before.attempt != attempt_of(preview):
        return True
    return before.observed_generation not in (None, preview.metadata.generation)
