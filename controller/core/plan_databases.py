"""The databases' part of a plan. Pure; `plan` puts it in its place.

    logins stored ▶ each database made, migrated ▶ … the switch … ▶ the Secret tells of it ▶ what is left goes

What serves keeps its database until its containers are gone: a new generation stands beside the old one
until then, and the Secret tells of the new one only after the switch.
"""

from __future__ import annotations

from controller.api.names import PreviewKey, database_secret_name
from controller.api.status import ConditionType
from controller.core.actions import (
    Action,
    CreateDatabase,
    DeleteCredentials,
    DropDatabase,
    Migrate,
    StoreCredentials,
)
from controller.core.databases import ROTATION, kinds_in, login_keys, secret_data
from controller.core.desired import Desired
from controller.core.observed import Observed
from controller.core.stages import Lane, Stage
from controller.databases.ledger import pending
from controller.databases.protocol import DatabaseClaim


def make(desired: Desired, observed: Observed) -> tuple[Action, ...]:
    """The steps, one after the other, until every database is there and holds what the commit says."""
    actions: list[Action] = []
    fresh = bool(desired.databases) and _passwords_missing(desired, observed)
    if fresh or not _kinds(desired) <= _known(observed):
        actions.append(_store(desired, _known(observed)))
    for database in desired.databases:
        state = observed.database(database.type, database.claim.name)
        exists = state is not None and state.exists
        extended = state is not None and state.extensions.issuperset(database.blueprint.extensions)
        if not exists or not extended or fresh:
            actions.append(CreateDatabase(database))
        scripts = pending(database.scripts, state.ledger if state is not None and exists else ())
        if scripts:
            actions.append(Migrate(database, scripts))
    return tuple(actions)


def tidy(desired: Desired, observed: Observed) -> list[Stage]:
    """The Secret tells of what serves now, and what no version uses any more goes.

    A kind of server is forgotten last: whoever deletes the preview meanwhile must look there.
    """
    if not desired.databases:
        return teardown(desired, observed)
    known = _known(observed)
    stages = [_stage(_store(desired, known))] if _untold(desired, observed) else []
    stages += _drop(desired, observed)
    return stages if known <= _kinds(desired) else [*stages, _stage(_store(desired))]


def teardown(desired: Desired, observed: Observed) -> list[Stage]:
    """All databases of the preview go, then their Secret."""
    return [*_drop(desired, observed), *_forget(desired.preview, observed)]


def _kinds(desired: Desired) -> frozenset[str]:
    return frozenset(str(database.type) for database in desired.databases)


def _known(observed: Observed) -> frozenset[str]:
    """The kinds of servers that the Secret tells of."""
    return kinds_in(observed.secret.data) if observed.secret else frozenset()


def _passwords_missing(desired: Desired, observed: Observed) -> bool:
    """Whether the Secret must be written first: a password that nobody could read again would be lost."""
    if observed.secret is None or not observed.secret.owned:
        return True
    wanted = secret_data(desired.databases, desired.rotation)
    keys = {login_keys(database.label)[1] for database in desired.databases} | {ROTATION}
    return any(observed.secret.data.get(key) != wanted.get(key) for key in keys)


def _untold(desired: Desired, observed: Observed) -> bool:
    """Whether the Secret tells of another database than the one that serves, and was not written first."""
    if _passwords_missing(desired, observed) or not _kinds(desired) <= _known(observed):
        return False
    wanted = secret_data(desired.databases, desired.rotation, _known(observed))
    return observed.secret is not None and dict(observed.secret.data) != wanted


def _store(desired: Desired, kinds: frozenset[str] = frozenset()) -> StoreCredentials:
    names = tuple(database.claim.name for database in desired.databases)
    data = secret_data(desired.databases, desired.rotation, kinds)
    return StoreCredentials(database_secret_name(desired.preview.name), names, data)


def _drop(desired: Desired, observed: Observed) -> list[Stage]:
    kept = {(database.type, database.claim.name) for database in desired.databases}
    dropped = tuple(
        DropDatabase(kind, DatabaseClaim(state.name, desired.preview, desired.slug))
        for kind, states in sorted(observed.databases.items())
        for state in states
        if (kind, state.name) not in kept
    )
    return [_stage(*dropped)] if dropped else []


def _forget(preview: PreviewKey, observed: Observed) -> list[Stage]:
    if observed.secret is None:
        return []
    return [_stage(DeleteCredentials(preview, database_secret_name(preview.name)))]


def _stage(*actions: Action) -> Stage:
    return Stage(tuple(Lane(ConditionType.DATABASE_READY, (action,)) for action in actions))
