"""Databases: which generation of each a preview should have, and what its Secret holds. Pure.

    asked (from spec or file) ┐
                              ├─▶ choose ──▶ DatabaseInputs (claim, login, URL) ──▶ secret_data
    states (from the servers) ┘

What ran in a database is never undone. Where it no longer fits the commit, or where a wish for an empty one
was not met yet, a new generation is made beside the one that serves, and goes live together with the
containers that were started with its URL.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from controller.api import names
from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.api.migrations import Changed
from controller.api.names import PreviewKey
from controller.api.references import database_names
from controller.api.status import DatabaseStatus
from controller.core.inputs import AskedDatabase, DatabaseInputs
from controller.databases.ledger import changed, dirty
from controller.databases.protocol import (
    Blueprint,
    Credentials,
    DatabaseClaim,
    DatabaseServer,
    DatabaseState,
)

ROTATION = "ROTATION"
"""Key of the Secret that holds the last wish for new passwords that was met."""
KINDS = "KINDS"
"""Key of the Secret that holds every kind of server on which there may be something of this preview."""


def choose(
    asked: AskedDatabase,
    preview: PreviewKey,
    slug: str,
    states: Iterable[DatabaseState],
    on_change: Changed,
) -> DatabaseClaim:
    """The database that should be used: the newest one that fits, else the next generation.

    Args:
        asked: what the commit and the wishes ask for.
        preview: whose.
        slug: the preview's.
        states: what its server has of this preview, other labels too.
        on_change: whether a database that does not fit is made anew.

    Raises:
        InvalidSpec: MigrationChanged, DatabaseDirty: the installation would not have it made anew.
    """
    own: dict[int, DatabaseState] = {}
    for state in states:
        generation = names.database_generation(state.name, slug, asked.label)
        if generation is not None:
            own[generation] = state
    met = {g: s for g, s in own.items() if not asked.wish or s.wish == asked.wish}
    fitting = [g for g, s in met.items() if _misfit(asked, s) is None]
    if fitting:
        generation, wish = max(fitting), met[max(fitting)].wish
    else:
        if met and on_change is Changed.STALL:
            raise _misfit(asked, met[max(met)]) or AssertionError("none of them fits")
        generation, wish = max(own, default=0) + 1, asked.wish
    return DatabaseClaim(names.database_name(slug, asked.label, generation), preview, slug, wish)


def check_known(
    asked: AskedDatabase, slug: str, states: Iterable[DatabaseState], told: Iterable[DatabaseStatus]
) -> None:
    """Make nothing in the place of a database that served and of which its server knows nothing any more.

    An empty one there would be in the way of the dump that is about to be restored.

    Args:
        asked: what the commit and the wishes ask for.
        slug: the preview's.
        states: what its server has of this preview, other labels too.
        told: the databases that served last, as the status has them.

    Raises:
        BackendUnavailable: DatabaseLost.
    """

    def is_of(name: str) -> bool:
        return names.database_generation(name, slug, asked.label) is not None

    served = next((each for each in told if each.type == asked.type and is_of(each.name)), None)
    if served is None or any(is_of(state.name) for state in states):
        return
    if asked.wish and asked.wish != served.wish:
        return
    raise BackendUnavailable(
        "DatabaseLost",
        f"The {asked.type} server knows nothing of {served.name} any more, its registry neither: restore the "
        f"server's dump and it goes on, or have an empty one made: annotate {names.RESET_DATABASE}.",
    )


def _misfit(asked: AskedDatabase, state: DatabaseState) -> InvalidSpec | None:
    """Why a database cannot be gone on with."""
    if state.dirty:
        return dirty(state.name, state.dirty)
    other = changed(asked.scripts, state.ledger)
    if other is None:
        return None
    return InvalidSpec(
        "MigrationChanged",
        f"Migration {other.name} was applied to {state.name} and has been changed since; restore it and put "
        f"the change into a new file, or have an empty database made: annotate {names.RESET_DATABASE}.",
    )


def inputs_of(asked: AskedDatabase, claim: DatabaseClaim, server: DatabaseServer) -> DatabaseInputs:
    """A database with all that is needed to make it and to reach it."""
    credentials = Credentials(server.role(claim.name), asked.password)
    return DatabaseInputs(
        label=asked.label,
        type=asked.type,
        claim=claim,
        credentials=credentials,
        url=server.url(claim, credentials),
        scripts=asked.scripts,
        blueprint=Blueprint(asked.extensions, asked.template),
    )


def template_key(parts: Iterable[object]) -> str:
    """Stands for everything that decides what a finished database holds."""
    return names.short_hash(json.dumps([str(part) for part in parts]), 16)


def secret_data(
    databases: Iterable[DatabaseInputs], rotation: str, kinds: frozenset[str] = frozenset()
) -> dict[str, str]:
    """What the preview's Secret holds: each login, its URL, the last rotation, and kinds of servers.

    Args:
        databases: those that should be.
        rotation: the last wish for new passwords that was met.
        kinds: of servers on which something may be left, besides those of the databases.
    """
    data: dict[str, str] = {}
    all_kinds = set(kinds)
    for database in databases:
        url, kind = database_names(database.label)
        user, password = login_keys(database.label)
        data |= {
            user: database.credentials.role,
            password: database.credentials.password,
            url: database.url,
            kind: database.type,
        }
        all_kinds.add(str(database.type))
    if data:
        data[KINDS] = ",".join(sorted(all_kinds))
    return {**data, ROTATION: rotation} if data and rotation else data


def login_keys(label: str) -> tuple[str, str]:
    """The keys of the Secret under which a database's role and password stand."""
    return (f"{label.upper()}_USERNAME", f"{label.upper()}_PASSWORD") if label else ("username", "password")


def kinds_in(data: Mapping[str, str]) -> frozenset[str]:
    """The kinds of servers that a Secret tells of: it is written before anything is made there."""
    return frozenset(kind for kind in data.get(KINDS, "").split(",") if kind)
