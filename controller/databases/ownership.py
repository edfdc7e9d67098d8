"""Whose a database is: names that are refused, and the conflicts that every server words alike."""

from __future__ import annotations

import re

from controller.api.errors import Conflict, InvalidSpec
from controller.databases.protocol import DatabaseClaim

NAME_BYTES_MAX = 63  # PostgreSQL cuts longer ones in silence, and two previews would share a database
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def check_name(name: str) -> None:
    """Refuse what is no name of a database of ours, rather than have it cut or quoted into another.

    Raises:
        InvalidSpec: DatabaseNameRefused.
    """
    if _NAME.fullmatch(name) is None or len(name) > NAME_BYTES_MAX:
        raise InvalidSpec(
            "DatabaseNameRefused",
            f"{name[:80]!a} cannot be a database: expected at most {NAME_BYTES_MAX} of a-z, 0-9 and '_', "
            "beginning with a letter; rename the branch.",
        )


def registered_to_another(claim: DatabaseClaim, holder: DatabaseClaim) -> Conflict:
    """The registry says that the name is another preview's."""
    return Conflict(
        "DatabaseTaken",
        f"Database {claim.name} belongs to Preview {holder.preview}; delete that Preview, or this one.",
    )


def not_ours(claim: DatabaseClaim) -> Conflict:
    """Something with this name exists that this installation did not make."""
    return Conflict(
        "DatabaseTaken",
        f"Database or role {claim.name} exists on the server and was not made for Preview {claim.preview} by "
        "this installation; rename or drop it by hand, or give each installation a server of its own.",
    )
