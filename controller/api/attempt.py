"""Attempt: what makes trying again worth while, as a short hash. Pure."""

from __future__ import annotations

import hashlib

from controller.api.conditions import is_true
from controller.api.names import WISHES
from controller.api.preview import Preview
from controller.api.status import ConditionType, PreviewStatus


def attempt_of(preview: Preview) -> str:
    """What makes trying again worth while: another generation, or a newer wish."""
    wishes = [preview.metadata.annotations.get(wish, "") for wish in WISHES]
    return hashlib.sha256("\n".join([str(preview.metadata.generation), *wishes]).encode()).hexdigest()[:12]


def given_up(preview: Preview, status: PreviewStatus) -> bool:
    """This very attempt failed for good before; only what its author changes helps."""
    stalled = is_true(status.conditions, ConditionType.STALLED)
    return stalled and status.attempt == attempt_of(preview)
