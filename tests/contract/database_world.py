"""What the contract of databases needs: a server under test, somebody behind its back, and scripts to run."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from typing import Protocol

from controller.api.names import PreviewKey, database_name
from controller.databases.protocol import (
    Applied,
    Credentials,
    DatabaseClaim,
    DatabaseServer,
    JobRunner,
    Script,
    ScriptKind,
)


@dataclass(frozen=True)
class Samples:
    """Scripts that a kind of server takes."""

    table: Script
    column: Script
    seed: Script
    broken: Script
    """Fails in its second line."""
    corrected: Script
    """The same with that mended."""
    scheme: str
    transactional: bool = True
    """What fails leaves nothing behind; False: the database is dirty afterwards."""


class World(Protocol):
    """A server under test, and what can be done behind its back."""

    server: DatabaseServer
    neighbour: DatabaseServer
    """Another installation on the same server."""
    run: JobRunner
    samples: Samples

    async def make_by_hand(self, name: str) -> None:
        """Create a role and a database that no installation made."""

    async def drop_by_hand(self, name: str) -> None:
        """Drop a database; its role stays."""

    async def exists(self, name: str) -> bool:
        """Whether a database or a role of that name is there."""

    async def can_log_in(self, claim: DatabaseClaim, credentials: Credentials) -> bool:
        """Whether the preview gets into its database."""

    async def break_server(self) -> None:
        """From here on the server does not answer."""


RUN = secrets.token_hex(3)  # a real server may be shared with others
SHOP = PreviewKey("default", f"pr-1-{RUN}")
SLUG = f"pr-1x{RUN}"
CLAIM = DatabaseClaim(database_name(SLUG), SHOP, SLUG)
LOGIN = Credentials(CLAIM.name, "first/pass:word")
REBUILT = replace(CLAIM, name=database_name(SLUG, generation=2), wish="2026-01-01T00:00:00Z")


def script(name: str, text: str, kind: ScriptKind = ScriptKind.MIGRATION) -> Script:
    """A script with its checksum."""
    content = text.encode()
    return Script(kind, name, hashlib.sha256(content).hexdigest(), content)


def applied(given: Script) -> Applied:
    """Its line in the ledger."""
    return Applied(given.kind, given.name, given.checksum)


SQL = Samples(
    table=script("1_table.sql", "CREATE TABLE item (name text);\nINSERT INTO item VALUES ('a;b');\n"),
    column=script("2_column.sql", "ALTER TABLE item ADD price int;\n"),
    seed=script("shop.sql", "INSERT INTO item (name) VALUES ('seeded');\n", ScriptKind.SEED),
    broken=script("3_broken.sql", "SELECT 1;\nFAIL;\n"),
    corrected=script("3_broken.sql", "SELECT 1;\n"),
    scheme="postgresql",
)
