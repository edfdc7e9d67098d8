"""Which moments the operator is killed at: all of them, or some drawn by a seed."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Flow(StrEnum):
    """What is done with a Preview, in this order."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True)
class Point:
    """The n-th moment of a flow, counted from one, and what it was in an undisturbed run."""

    flow: Flow
    number: int
    moment: str

    def __str__(self) -> str:
        return f"{self.flow} {self.number} ({self.moment})"


Life = Mapping[Flow, Point]
"""One Preview's life, with at most one kill in each flow."""


def all_points(journal: Mapping[Flow, Sequence[str]]) -> list[Point]:
    """Every moment that an undisturbed run announced."""
    return [
        Point(flow, number, line) for flow in Flow for number, line in enumerate(journal.get(flow, ()), 1)
    ]


def drawn(points: Sequence[Point], count: int, seed: int) -> list[Point]:
    """Some of them; the same seed draws the same ones."""
    return sorted(random.Random(seed).sample(points, min(count, len(points))), key=points.index)


def lives(points: Sequence[Point]) -> list[Life]:
    """Spread the points over as few lives as they fit into."""
    by_flow = [[point for point in points if point.flow is flow] for flow in Flow]
    rows = itertools.zip_longest(*by_flow)
    return [{point.flow: point for point in row if point is not None} for row in rows]
