"""What a plan is made of: stages in order, lanes side by side in a stage, actions in turn in a lane."""

from __future__ import annotations

from dataclasses import dataclass

from controller.api.status import ConditionType
from controller.core.actions import Action


@dataclass(frozen=True)
class Lane:
    """Actions one after the other, and the condition that they lead to."""

    condition: ConditionType
    actions: tuple[Action, ...]

    def __str__(self) -> str:
        return ", then ".join(str(action) for action in self.actions)


@dataclass(frozen=True)
class Stage:
    """Lanes side by side: what stands in one does not depend on the others."""

    lanes: tuple[Lane, ...] = ()

    @property
    def actions(self) -> tuple[Action, ...]:
        """All actions, lane by lane."""
        return tuple(action for lane in self.lanes for action in lane.actions)

    def __str__(self) -> str:
        conditions = dict.fromkeys(lane.condition for lane in self.lanes)
        return " | ".join(
            f"[{condition}] {'; '.join(str(lane) for lane in self.lanes if lane.condition is condition)}"
            for condition in conditions
        )


@dataclass(frozen=True)
class Plan:
    """Stages in order. Empty when all is as it should be."""

    stages: tuple[Stage, ...] = ()
    complete: bool = True
    """False when facts are missing (an image not built yet): observe and plan again afterwards."""

    @property
    def actions(self) -> tuple[Action, ...]:
        """All actions in order."""
        return tuple(action for stage in self.stages for action in stage.actions)

    def __bool__(self) -> bool:
        return bool(self.stages)

    def __str__(self) -> str:
        lines = [f"{number}. {stage}" for number, stage in enumerate(self.stages, 1)]
        return "\n".join(lines) or "nothing to do"
