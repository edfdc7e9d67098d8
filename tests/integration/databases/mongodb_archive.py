"""Writes files in the format of `mongodump --archive`, for tests of their restoring."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

import bson
from bson import json_util

MAGIC = struct.pack("<I", 0x8199E26D)
END = b"\xff\xff\xff\xff"
ID_INDEX = {"v": 2, "key": {"_id": 1}, "name": "_id_"}


@dataclass
class Dumped:
    """One collection of an archive."""

    collection: str
    documents: list[dict[str, Any]] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    indexes: list[dict[str, Any]] = field(default_factory=list)
    kind: str = "collection"
    database: str = "shop"

    def prelude(self) -> bytes:
        """What stands about it at the beginning."""
        about = {
            "options": self.options,
            "indexes": [ID_INDEX, *self.indexes],
            "uuid": "0" * 32,
            "collectionName": self.collection,
            "type": self.kind,
        }
        metadata = json_util.dumps(about, json_options=json_util.CANONICAL_JSON_OPTIONS)
        return bson.encode(
            {
                "db": self.database,
                "collection": self.collection,
                "metadata": metadata,
                "size": 0,
                "type": self.kind,
            }
        )

    def block(self, documents: list[dict[str, Any]], *, last: bool = False) -> bytes:
        """Some of its documents; the last block has none."""
        header = {"db": self.database, "collection": self.collection, "EOF": last, "CRC": bson.Int64(0)}
        return bson.encode(header) + b"".join(bson.encode(each) for each in documents) + END


def archive(*collections: Dumped) -> bytes:
    """An archive; the collections' documents come in turn, two at a time, as mongodump interleaves them."""
    header = {
        "concurrent_collections": 4,
        "version": "0.1",
        "server_version": "7.0.0",
        "tool_version": "100.9",
    }
    parts = [MAGIC, bson.encode(header), *(each.prelude() for each in collections), END]
    filled = [each for each in collections if each.kind != "view"]
    longest = max((len(each.documents) for each in filled), default=0)
    for start in range(0, longest, 2):
        parts += [each.block(each.documents[start : start + 2]) for each in filled]
    return b"".join([*parts, *(each.block([], last=True) for each in filled)])
