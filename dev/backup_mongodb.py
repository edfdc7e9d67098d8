"""MongoDB as files, and back, by its driver: what mongodump would do where there is none.

collections with options and indexes ──▶ collections.json; documents ──▶ one BSON file per collection

Users are not among it: their passwords cannot be read, and the operator makes them again from the Secrets.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import bson
import pymongo
from bson import json_util
from bson.raw_bson import RawBSONDocument
from pymongo.collection import Collection
from pymongo.errors import PyMongoError

from dev.progress import StepFailed

LISTED = "collections.json"
OWN_DATABASES = frozenset({"admin", "config", "local"})
OWN_INDEX_KEYS = frozenset({"v", "ns", "background"})
BATCH = 500
RAW: bson.CodecOptions[RawBSONDocument] = bson.CodecOptions(document_class=RawBSONDocument)
Document = dict[str, Any]
Client = pymongo.MongoClient[RawBSONDocument]


def dump(url: str, place: Path) -> int:
    """Write every collection of every database; gives how many databases there are.

    Raises:
        StepFailed: the server does not let it be read.
    """
    listed: list[Document] = []
    try:
        with _client(url) as client:
            databases = sorted(set(client.list_database_names()) - OWN_DATABASES)
            for database in databases:
                for info in client[database].list_collections():
                    about: Document = (
                        bson.decode(info.raw) if isinstance(info, RawBSONDocument) else dict(info)
                    )
                    listed.append(_dumped(client, database, about, place / f"{len(listed):04}.bson"))
    except PyMongoError as error:
        raise StepFailed(f"MongoDB cannot be dumped: {error}") from error
    (place / LISTED).write_text(json_util.dumps(listed))
    return len(databases)


def load(url: str, place: Path) -> None:
    """Make every collection again, with its documents and indexes.

    Raises:
        StepFailed: the server refuses it.
    """
    try:
        with _client(url) as client:
            for number, about in enumerate(json_util.loads((place / LISTED).read_text())):
                database = client[about["database"]]
                if about["type"] == "view":
                    database.command({"create": about["name"], **about["options"]})
                    continue
                made = database.create_collection(about["name"], check_exists=False, **about["options"])
                _fill(made, place / f"{number:04}.bson")
                for index in about["indexes"]:
                    keys = list(index.pop("key").items())
                    made.create_index(keys, **index)
    except PyMongoError as error:
        raise StepFailed(f"MongoDB does not take the dump: {error}") from error


def _dumped(client: Client, database: str, info: Document, file: Path) -> Document:
    """One collection's documents in a file, and what else there is to know of it."""
    about = {
        "database": database,
        "name": info["name"],
        "type": info.get("type", "collection"),
        "options": dict(info.get("options") or {}),
        "indexes": [],
    }
    if about["type"] == "view":
        return about
    collection = client[database][info["name"]]
    about["indexes"] = [
        {key: value for key, value in bson.decode(bson.encode(index)).items() if key not in OWN_INDEX_KEYS}
        for index in collection.list_indexes()
        if index["name"] != "_id_"
    ]
    with file.open("wb") as written:
        for document in collection.find():
            written.write(document.raw)
    return about


def _fill(collection: Collection[RawBSONDocument], file: Path) -> None:
    with file.open("rb") as documents:
        found: Iterator[RawBSONDocument] = bson.decode_file_iter(documents, RAW)
        while batch := list(islice(found, BATCH)):
            collection.insert_many(batch)


def _client(url: str) -> Client:
    return pymongo.MongoClient(url, document_class=RawBSONDocument, serverSelectionTimeoutMS=5000)
