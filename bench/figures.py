"""Figures: samples of one run in, a line with median, minimum, maximum and the aim out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol


@dataclass(frozen=True)
class Aim:
    """What a figure's median should be: at most, or at least, a limit."""

    limit: float
    at_least: bool = False
    unit: str = ""

    def met(self, value: float) -> bool:
        """Whether a value is good enough."""
        return value >= self.limit if self.at_least else value <= self.limit

    def __str__(self) -> str:
        return f"aim {'≥' if self.at_least else '≤'} {self.limit:g}{self.unit}"


class Line(Protocol):
    """One figure of a benchmark, as it is printed."""

    @property
    def met(self) -> bool | None: ...

    def lines(self) -> list[str]: ...


@dataclass(frozen=True)
class Pair:
    """One measurement of each side, one right after the other."""

    ours: float
    theirs: float

    @property
    def ratio(self) -> float:
        """How many times as much ours is."""
        return self.ours / self.theirs


@dataclass(frozen=True)
class Ratio:
    """Ours against theirs, over pairs of one run."""

    name: str
    ours: str
    theirs: str
    pairs: tuple[Pair, ...]
    aim: Aim | None
    unit: str = " s"

    @property
    def met(self) -> bool | None:
        """Whether the median of the ratios meets the aim; None where there is none."""
        return self.aim.met(median(pair.ratio for pair in self.pairs)) if self.aim else None

    def lines(self) -> list[str]:
        """The figure, and what it was made of."""
        ours, theirs = [pair.ours for pair in self.pairs], [pair.theirs for pair in self.pairs]
        ratios = _spread([pair.ratio for pair in self.pairs])
        return [
            f"{self.name}: ratio {ratios}, {len(self.pairs)} pairs{_verdict(self.aim, self.met)}",
            f"    {self.ours}: {_spread(ours, self.unit)}; {self.theirs}: {_spread(theirs, self.unit)}",
        ]


@dataclass(frozen=True)
class Amount:
    """Something measured by itself."""

    name: str
    values: tuple[float, ...]
    aim: Aim | None
    unit: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the median meets the aim; None where there is none."""
        return self.aim.met(median(self.values)) if self.aim else None

    def lines(self) -> list[str]:
        """The figure in one line."""
        return [f"{self.name}: {_spread(self.values, self.unit)}{_verdict(self.aim, self.met)}"]


def _spread(values: Sequence[float], unit: str = "") -> str:
    return f"{median(values):.2f}{unit} (min {min(values):.2f}, max {max(values):.2f})"


def _verdict(aim: Aim | None, met: bool | None) -> str:
    if aim is None:
        return ""
    return f"  [{aim}: {'met' if met else 'MISSED'}]"
