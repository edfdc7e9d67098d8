"""What an archive is made of: parts, which are gzipped JSON lines of one log and one day.

`<owner>/<name>/<preview>/<incarnation>/<YYYY-MM-DD>/<first sequence, 12 digits>.jsonl.gz`
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from dataclasses import dataclass
from datetime import date

from controller.api.names import LogKey, short_hash
from controller.logs.render import line_json
from controller.logs.store import Line

SUFFIX = ".jsonl.gz"
DIGITS = 12
STEP_BYTES = 256 * 1024
"""Of a part, no more is unpacked at once."""
_PLAIN = re.compile(r"(?!\.+\Z)[A-Za-z0-9._-]{1,128}")
_PATH = re.compile(r"([^/]+)/(\d{4}-\d{2}-\d{2})/(\d{12,})" + re.escape(SUFFIX))


@dataclass(frozen=True)
class Part:
    """One object of the archive."""

    path: str
    repository: str
    """owner/name in lower case."""
    incarnation: str
    day: date
    """UTC."""
    first: int
    """The sequence of its first line."""
    size: int
    """Packed, in bytes."""


def folder(repository: str, preview_id: str) -> str:
    """Where all parts of a repository's preview are."""
    owner, _, name = repository.lower().partition("/")
    return "/".join(_segment(word) for word in (owner, name, preview_id))


def part_path(key: LogKey, preview_id: str, day: date, first: int) -> str:
    """Where a part is."""
    name = f"{first:0{DIGITS}d}{SUFFIX}"
    return f"{folder(key.repository, preview_id)}/{_segment(key.incarnation)}/{day.isoformat()}/{name}"


def part_of(path: str, repository: str, preview_id: str, size: int) -> Part | None:
    """The part that a path in the folder of a preview means; None: something else lies there."""
    found = _PATH.fullmatch(path.removeprefix(f"{folder(repository, preview_id)}/"))
    if found is None:
        return None
    try:
        day = date.fromisoformat(found[2])
    except ValueError:
        return None
    return Part(path, repository.lower(), found[1], day, int(found[3]), size)


def pack(lines: Sequence[Line]) -> bytes:
    """Lines as a part holds them; the same ones give the same bytes."""
    text = "".join(f"{line_json(line)}\n" for line in lines)
    return gzip.compress(text.encode("utf-8", "backslashreplace"), mtime=0)


async def unpacked(chunks: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
    """The lines of a part, without their ends, as its bytes come in.

    Raises:
        ValueError: these are not all the bytes of a part.
    """
    unzip, rest = zlib.decompressobj(wbits=31), b""
    try:
        async for chunk in chunks:
            packed = chunk
            while packed:
                *whole, rest = (rest + unzip.decompress(packed, STEP_BYTES)).split(b"\n")
                packed = unzip.unconsumed_tail
                for line in whole:
                    yield line
        *whole, rest = (rest + unzip.flush()).split(b"\n")
    except zlib.error as error:
        raise ValueError(f"not as gzip has it ({error})") from error
    for line in whole:
        yield line
    if not unzip.eof or rest:
        raise ValueError("it breaks off in the middle")


def _segment(word: str) -> str:
    """A name as a folder's; anything but a plain name is written as its hash, so that it leads nowhere."""
    return word if _PLAIN.fullmatch(word) else f"x{short_hash(word, 32)}"
