"""A whole operator on twins whose previews' lives are really decided."""

from __future__ import annotations

from collections import Counter
from typing import Any

from controller.api.names import PreviewKey
from controller.lifecycle.governor import Governor
from controller.lifecycle.memory import MemoryAccess
from controller.lifecycle.rules import LifecycleRules
from tests.unit.controller.operator_world import OperatorWorld
from tests.unit.core.world import COMMIT_A

ACCESS = 60.0


class Counted:
    """Counts like the operator's metrics."""

    def __init__(self) -> None:
        self.decisions: Counter[tuple[str, str]] = Counter()
        self.unknown = 0

    def decided(self, decision: str, reason: str) -> None:
        self.decisions[decision, reason] += 1

    def visits_unknown(self) -> None:
        self.unknown += 1


class GovernedWorld(OperatorWorld):
    """See OperatorWorld; every operator in it has a governor of its own."""

    def __init__(self, rules: LifecycleRules | None = None) -> None:
        self.rules = rules or LifecycleRules()
        self.access = MemoryAccess()
        self.counted = Counted()
        super().__init__()

    def restart(self) -> None:
        self.governor = Governor(self.rules, self.clock, self.access, ACCESS, self.counted)
        self.lifecycle = self.governor  # type: ignore[assignment]
        super().restart()

    def apply(self, commit: str = COMMIT_A, name: str = "pr-1", **spec: Any) -> PreviewKey:
        before = self.cluster.bodies.get(PreviewKey("default", name))
        made = before["metadata"]["creationTimestamp"] if before else self.clock.now().isoformat()
        tell, self.cluster.tell = self.cluster.tell, None
        key = super().apply(commit, name, **spec)
        self.cluster.tell = tell
        self.cluster.bodies[key]["metadata"]["creationTimestamp"] = made
        self.cluster.told("MODIFIED", key)
        return key

    def open(self, number: int, **spec: object) -> PreviewKey:
        """A pull request of that number."""
        return self.apply(name=f"pr-{number}", source={"pullRequest": number}, **spec)

    def visit(self, number: int) -> None:
        self.access.visits[f"pr-{number}-web"] += 1

    def phase(self, key: PreviewKey) -> str:
        return str(self.read(key).status.phase)
