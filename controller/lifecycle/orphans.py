"""Orphans: which of the things with our marks belong to no Preview any more, and which of those may go now.

    holdings, listed first ──┐
    Previews, listed after ──┴▶ orphans ──▶ go now | wait for their grace | none of ours | why nothing goes

Whatever was made had its Preview before it was there: what is listed first and has none afterwards lost it.
Pure: time is an argument, in seconds that only grow, so that a clock that is set does not shorten the grace.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from controller.api.holdings import Holding, HoldingKind
from controller.api.names import PreviewKey
from controller.lifecycle.protocol import FRACTION

ADVICE = (
    "Nothing is removed: is it the right cluster, and was it restored whole? "
    "`python -m controller sweep` lists what it is about."
)
NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""What a namespace and a Preview may be called (RFC 1123, a label); marks that say otherwise name nobody."""
ORDER = {kind: place for place, kind in enumerate(HoldingKind)}
"""What uses something goes before it: containers, networks, volumes, images, then databases and logins."""


@dataclass(frozen=True)
class Scope:
    """What an operator answers for.

    Args:
        installation: its own.
        namespace: the only one that it watches; empty: all of them.
    """

    installation: str
    namespace: str = ""

    def covers(self, holding: Holding) -> bool:
        """Whether a thing is this operator's, of a Preview that it would know of."""
        key = holding.preview
        if holding.installation != self.installation or key is None:
            return False
        if not (NAME.fullmatch(key.namespace) and NAME.fullmatch(key.name)):
            return False
        return self.namespace in ("", key.namespace)


@dataclass(frozen=True)
class Sweep:
    """What a look found, in the order in which it would go."""

    remove: tuple[Holding, ...] = ()
    """Orphans whose grace is over."""
    waiting: tuple[Holding, ...] = ()
    """Orphans that are left for now: within their grace, or all of them where the sweep is refused."""
    foreign: tuple[Holding, ...] = ()
    """Another installation's, of a namespace that is not watched, or of nobody known: left alone."""
    refused: str = ""
    """Why nothing is removed; empty: nothing speaks against it."""
    seen: Mapping[Holding, float] = field(default_factory=dict)
    """Since when each orphan is one; for the next look."""

    @property
    def orphans(self) -> tuple[Holding, ...]:
        """All that belongs to no Preview any more."""
        return tuple(sorted((*self.remove, *self.waiting), key=_order))

    def due_in(self, now: float, grace: float) -> float | None:
        """Seconds until the next orphan may go; None while none waits for that."""
        if self.refused or not self.waiting:
            return None
        return max(0.0, min(self.seen[_marks(holding)] for holding in self.waiting) + grace - now)


@dataclass(frozen=True)
class Look:
    """When a look is made, and by which rules.

    Args:
        now: seconds, monotonic.
        grace: seconds that a thing must have been an orphan.
        seen: since when what is an orphan already is one, from the last look.
        unguarded: a person takes the responsibility that the safeguard has otherwise.
    """

    now: float
    grace: float
    seen: Mapping[Holding, float] = field(default_factory=dict)
    unguarded: bool = False


def orphans(holdings: Iterable[Holding], previews: Collection[PreviewKey], scope: Scope, look: Look) -> Sweep:
    """What belongs to no Preview.

    Args:
        holdings: everything with our marks, listed before the Previews.
        previews: every Preview in the scope, the complete list; those that are being deleted too.
        scope: what this operator answers for.
        look: when, and what was seen before.
    """
    known = frozenset(previews)
    everything = sorted(set(holdings), key=_order)
    ours = [holding for holding in everything if scope.covers(holding)]
    foreign = tuple(holding for holding in everything if not scope.covers(holding))
    lost = [holding for holding in ours if known.isdisjoint(_owners(holding))]
    refused = "" if look.unguarded else _refusal(ours, lost, known)
    if refused:
        # The grace begins anew: after a restore, Previews come back one by one, and none may be too late.
        return Sweep(waiting=tuple(lost), foreign=foreign, refused=refused)
    seen = {_marks(holding): look.seen.get(_marks(holding), look.now) for holding in lost}
    over = {marks for marks, since in seen.items() if look.now - since >= look.grace}
    due = tuple(holding for holding in lost if _marks(holding) in over)
    waiting = tuple(holding for holding in lost if _marks(holding) not in over)
    return Sweep(due, waiting, foreign, seen=seen)


def _refusal(ours: Iterable[Holding], lost: Iterable[Holding], known: frozenset[PreviewKey]) -> str:
    """Why nothing may be removed, as a sentence; empty when it may."""
    gone, have = _holders(lost), _holders(ours)
    if not gone:
        return ""
    if not known:
        return f"There is no Preview at all, and {_previews(len(gone))} left something behind. {ADVICE}"
    if len(gone) > 1 and len(gone) * FRACTION > len(have):
        return (
            f"{len(gone)} of the {len(have)} previews that have something are not in the cluster, "
            f"more than a fifth. {ADVICE}"
        )
    return ""


def _holders(holdings: Iterable[Holding]) -> set[PreviewKey]:
    """Whose they are. What several use is the rest of one that closed as it should, as long as another one of
    them has something of its own: it makes nobody lost.
    """
    known = list(holdings)
    holders = {each.preview for each in known if each.preview is not None and not each.shared}
    for each in known:
        if each.preview is not None and holders.isdisjoint(_owners(each)):
            holders.add(each.preview)
    return holders


def _previews(number: int) -> str:
    return "one preview" if number == 1 else f"{number} previews"


def _marks(holding: Holding) -> Holding:
    """The same, whoever else uses it: that changes while it waits."""
    return replace(holding, shared=())


def _owners(holding: Holding) -> tuple[PreviewKey, ...]:
    return (*((holding.preview,) if holding.preview else ()), *holding.shared)


def _order(holding: Holding) -> tuple[int, str, str, str]:
    return ORDER[holding.kind], holding.place, holding.name, holding.installation
