"""The ledger inside a preview's own MongoDB database: the collection `previewcloud_migrations`.

The runner writes it with the preview's login: a line before a script runs, completed after it. A line that
was not completed belongs to a script that broke off, and the database is dirty. The administrator only reads.
All of it is the preview's, which could have put anything there: a view is not read (it would work with the
administrator's means), and of a collection only so many lines of so much length, of the right types.
"""

from __future__ import annotations

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ExecutionTimeout

from controller.databases.ledger import NAME_MAX, SCRIPTS_MAX, natural
from controller.databases.mongodb_session import Document
from controller.databases.protocol import Applied, ScriptKind

COLLECTION = "previewcloud_migrations"
LINES_MAX = 4 * SCRIPTS_MAX
READ_MILLISECONDS = 5000
RUNNING, DONE = "running", "done"

_KINDS = {kind.value: kind for kind in ScriptKind}
# In the server, so that nothing long is sent: a pattern matches strings alone. It also matches a string in a
# list, hence the types.
_BOUNDED: Document = {
    "kind": {"$in": list(_KINDS), "$not": {"$type": "array"}},
    "name": {"$regex": f"^.{{1,{NAME_MAX}}}$", "$options": "s", "$not": {"$type": "array"}},
    "checksum": {"$regex": "^[0-9a-f]{64}$", "$not": {"$type": "array"}},
    "state": {"$in": [RUNNING, DONE], "$not": {"$type": "array"}},
}
_FIELDS = {"_id": 0, "kind": 1, "name": 1, "checksum": 1, "state": 1}


async def read_ledger(database: AsyncDatabase[Document]) -> tuple[tuple[Applied, ...], str]:
    """What ran to its end, and the script that broke off (or an empty string).

    Nothing of both where the ledger is not one, or cannot be read in time.
    """
    found = await database.list_collections(filter={"name": COLLECTION})
    if [each.get("type", "collection") for each in await found.to_list(2)] != ["collection"]:
        return (), ""
    lines = database[COLLECTION].find(
        _BOUNDED, _FIELDS, limit=LINES_MAX, max_time_ms=READ_MILLISECONDS, sort=[("_id", 1)]
    )
    try:
        documents = await lines.to_list()
    except ExecutionTimeout:
        return (), ""
    applied = tuple(line for each in documents if (line := _line(each, DONE)) is not None)
    broken = sorted(
        (line.name for each in documents if (line := _line(each, RUNNING)) is not None), key=natural
    )
    return applied, broken[0] if broken else ""


def _line(document: Document, state: str) -> Applied | None:
    found = [document.get(key) for key in ("kind", "name", "checksum")]
    if document.get("state") != state or not all(isinstance(value, str) for value in found):
        return None
    kind, name, checksum = map(str, found)
    return Applied(_KINDS[kind], name, checksum) if kind in _KINDS and name.isprintable() else None
