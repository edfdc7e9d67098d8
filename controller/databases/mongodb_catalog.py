"""What MongoDB holds of one preview, command by command: looking at it, making it, removing it.

    registry line ─▶ database, by its ledger ─▶ user ─▶ the line says ready
    the line says not ready ─▶ sessions end ─▶ user ─▶ database ─▶ registry line

Each step can be the last one before a crash; the next run looks again and goes on. All installations of a
server share one registry, with one line to a name: of two that race for it, one has it, and the other meets
its line. A name is registered only while nothing stands under it, so what is there beside a line was made
for that line.

The user stands in the preview's own database. Once it is dropped, MongoDB refuses whatever is begun on
connections that it had open; what it was doing, in cursors, transactions and commands, is ended before. No
command closes the connections themselves: they stay, and can do nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import CollectionInvalid, DuplicateKeyError, OperationFailure

from controller.api.errors import NotReady
from controller.api.names import PreviewKey
from controller.databases.holdings import Registered
from controller.databases.mongodb_ledger import COLLECTION
from controller.databases.mongodb_session import Document, MongoClient
from controller.databases.protocol import Credentials, DatabaseClaim

REGISTRY = "previewcloud_registry"
ROLES = ("readWrite", "dbAdmin")
"""On its own database alone: to read and write, and to make collections and indexes; not to make users."""
NAMESPACE_EXISTS, USER_NOT_FOUND = 48, 11


@dataclass(frozen=True)
class Line:
    """One line of the registry."""

    claim: DatabaseClaim
    installation: str
    ready: bool

    @property
    def key(self) -> Document:
        """Finds it, and no other's."""
        return {"_id": self.claim.name, "installation": self.installation, "preview": str(self.claim.preview)}


@dataclass(frozen=True)
class Found:
    """What stands on the server under one name."""

    line: Line | None
    database: bool
    user: bool

    @property
    def usable(self) -> bool:
        """Everything is there and finished."""
        return self.line is not None and self.line.ready and self.database and self.user


def lines(client: MongoClient) -> AsyncCollection[Document]:
    """The registry, which only the administrator reaches."""
    return client[REGISTRY]["databases"]


async def lines_of(client: MongoClient, installation: str, preview: PreviewKey) -> list[Line]:
    """A preview's lines, by name."""
    found = lines(client).find({"installation": installation, "preview": str(preview)}, sort=[("_id", 1)])
    return [_read(document) for document in await found.to_list()]


async def look(client: MongoClient, name: str) -> Found:
    """What there is under this name, whoever has it."""
    document = await lines(client).find_one({"_id": name})
    return Found(
        line=_read(document) if document is not None else None,
        database=name in await databases(client, [name]),
        user=await has_user(client, name),
    )


async def databases(client: MongoClient, names: list[str]) -> frozenset[str]:
    """Those of the names that are databases."""
    listed = await client.admin.command("listDatabases", nameOnly=True, filter={"name": {"$in": names}})
    return frozenset(str(each["name"]) for each in listed["databases"])


async def has_user(client: MongoClient, name: str) -> bool:
    """Whether the database of that name has a user of that name."""
    return bool((await client[name].command("usersInfo", name)).get("users"))


async def survey(client: MongoClient, installation: str) -> frozenset[str]:
    """All databases of an installation that were finished and exist."""
    found = lines(client).find({"installation": installation, "ready": True}, {"_id": 1})
    names = [str(document["_id"]) for document in await found.to_list()]
    return await databases(client, names)


async def everything(client: MongoClient) -> tuple[list[Registered], list[str]]:
    """All lines of the registry, which has those of every installation, and the names of all databases."""
    found = await lines(client).find({}).to_list()
    registered = [
        Registered(str(each["_id"]), str(each["installation"]), str(each["preview"])) for each in found
    ]
    return registered, await client.list_database_names()


async def register(client: MongoClient, line: Line) -> bool:
    """Write the registry's line; False when somebody else has the name."""
    document = {**line.key, "slug": line.claim.slug, "wish": line.claim.wish, "ready": line.ready}
    try:
        await lines(client).insert_one(document)
    except DuplicateKeyError:
        return await lines(client).find_one(line.key) is not None
    return True


async def mark(client: MongoClient, line: Line, *, ready: bool) -> None:
    """Write whether everything is in place."""
    await lines(client).update_one(line.key, {"$set": {"ready": ready}})


async def create_database(client: MongoClient, name: str) -> None:
    """Make the database, which exists from its first collection on: the ledger."""
    try:
        await client[name].create_collection(COLLECTION, check_exists=False)
    except CollectionInvalid:
        return
    except OperationFailure as error:
        if error.code != NAMESPACE_EXISTS:
            raise


async def create_user(client: MongoClient, credentials: Credentials) -> None:
    """Create the user, who can log in from here on."""
    name = credentials.role
    try:
        await client[name].command(
            "createUser",
            name,
            pwd=credentials.password,
            roles=[{"role": role, "db": name} for role in ROLES],
            mechanisms=["SCRAM-SHA-256"],
        )
    except OperationFailure:
        # an earlier operator's command may have come through just now; servers differ in how they say so
        if not await has_user(client, name):
            raise
        await set_password(client, credentials)


async def set_password(client: MongoClient, credentials: Credentials) -> None:
    """Give the user another password; who is connected stays so."""
    await client[credentials.role].command("updateUser", credentials.role, pwd=credentials.password)


async def end_sessions(client: MongoClient, name: str) -> None:
    """End what the user is doing."""
    try:
        await client.admin.command("killAllSessions", [{"user": name, "db": name}])
    except OperationFailure as error:
        if error.code != USER_NOT_FOUND:
            raise


async def drop_user(client: MongoClient, name: str) -> None:
    """Drop the user; gone already is fine."""
    try:
        await client[name].command("dropUser", name)
    except OperationFailure:
        if await has_user(client, name):
            raise


async def drop_database(client: MongoClient, name: str) -> None:
    """Drop the database, and see that it stays so.

    Raises:
        NotReady: DatabaseInUse: somebody writes to it, and so makes it again.
    """
    await client.drop_database(name)
    if name in await databases(client, [name]):
        raise NotReady(
            "DatabaseInUse",
            f"Database {name} is written to while it is dropped; it is tried again once that ends.",
        )


async def unregister(client: MongoClient, line: Line) -> None:
    """Remove the registry's line."""
    await lines(client).delete_one(line.key)


def _read(document: Document) -> Line:
    claim = DatabaseClaim(
        name=str(document["_id"]),
        preview=PreviewKey.parse(document["preview"]),
        slug=str(document.get("slug", "")),
        wish=str(document.get("wish", "")),
    )
    return Line(claim, str(document["installation"]), document.get("ready") is True)
