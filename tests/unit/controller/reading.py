"""What a world shows of a Preview, in the form in which tests ask for it."""

from __future__ import annotations

from controller.api.names import PreviewKey
from tests.unit.controller.operator_world import OperatorWorld
from tests.unit.core.world import KEY


def condition(world: OperatorWorld, kind: str, key: PreviewKey = KEY) -> tuple[str, str]:
    """The status and the reason of one condition."""
    found = next(c for c in world.read(key).status.conditions if c.type == kind)
    return str(found.status), found.reason


def left(world: OperatorWorld) -> dict[str, object]:
    """All that is there of anything."""
    return {kind: things for kind, things in world.snapshot().items() if things}
