"""Holdings of a database server: what its registry knows, and what looks like ours and is nobody's. Pure.

the registry's lines, all databases' names ─▶ holdings
a holding ─▶ the claim under which it may be dropped, if it is this installation's at all
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from controller.api.holdings import Holding, HoldingKind
from controller.api.names import PreviewKey
from controller.databases.protocol import DatabaseClaim

_FORM = re.compile(r"(pr_[0-9]+(x[0-9a-f]{6})?|branch_[a-z0-9]+x[0-9a-f]{6})(_[a-z0-9]+)?_db(_r[1-9][0-9]*)?")


@dataclass(frozen=True)
class Registered:
    """One line of a registry."""

    name: str
    installation: str
    preview: str
    """As it stands there."""


@dataclass(frozen=True)
class Origin:
    """Where holdings are: the kind of server, and whose they may be."""

    place: str
    installation: str

    def holdings(self, registered: Iterable[Registered], there: Iterable[str]) -> tuple[Holding, ...]:
        """All that concerns us, by name.

        Args:
            registered: the registry's lines, those of other installations too where they stand in it.
            there: the names of all databases of the server.
        """
        lines = {line.name: line for line in registered}
        mine = [line for line in lines.values() if line.installation == self.installation]
        names = {name for name in there if _FORM.fullmatch(name)} - {line.name for line in mine}
        others = [Registered(name, lines[name].installation if name in lines else "", "") for name in names]
        return tuple(sorted((self._holding(line) for line in mine + others), key=lambda each: each.name))

    def claim(self, holding: Holding) -> DatabaseClaim | None:
        """Under which claim it was made here; None when it is not of this server and installation."""
        here = holding.kind is HoldingKind.DATABASE and holding.place == self.place
        if not here or holding.installation != self.installation or holding.preview is None:
            return None
        return DatabaseClaim(holding.name, holding.preview, "")

    def _holding(self, line: Registered) -> Holding:
        preview = _preview(line.preview)
        return Holding(HoldingKind.DATABASE, line.name, self.place, line.installation, preview)


def _preview(text: str) -> PreviewKey | None:
    try:
        return PreviewKey.parse(text)
    except ValueError:
        return None
