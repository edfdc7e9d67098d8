"""Which scripts a commit holds, in which order, and which of them a database still lacks.

    Tree ── read_scripts ──▶ scripts ┐
                                     ├─ pending ──▶ what migrate() has to run
    the database's ledger ───────────┘

Rules: only files that the kind of server takes (`Formats`); natural order (2 before 10) of the paths below
their directory; migrations before seeds; each once. An applied migration that changed does not fit any more,
and a new generation of the database is made. One that is no longer among the files is fine: what it did
stays. One that sorts before an applied one (a merged branch brings such) still runs. A seed that ran is not
looked at again.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from dataclasses import dataclass

from controller.api.errors import InvalidSpec
from controller.databases.protocol import Applied, Formats, Script, ScriptKind
from controller.source.protocol import Tree, TreeFile

SCRIPT_BYTES_MAX = 16 * 1024 * 1024
DUMP_BYTES_MAX = 64 * 1024 * 1024
ALL_SCRIPTS_BYTES_MAX = 64 * 1024 * 1024
SCRIPTS_MAX = 2000
NAME_MAX = 200
_NUMBER = re.compile(r"[vV]?(\d+(?:\.\d+)*)", re.ASCII)
_DIGITS = re.compile(r"(\d+)", re.ASCII)

Key = tuple[tuple[tuple[tuple[int, int, str], ...], ...], str]


def natural(path: str) -> Key:
    """Sort key of a path: part by part, digits by their value, however many there are."""
    parts = tuple(tuple(_piece(text) for text in _DIGITS.split(part)) for part in path.split("/"))
    return (parts, path)


def _piece(text: str) -> tuple[int, int, str]:
    if not (text.isascii() and text.isdigit()):
        return (1, 0, text)
    value = text.lstrip("0")
    return (0, len(value), value)


def pending(scripts: tuple[Script, ...], ledger: tuple[Applied, ...]) -> tuple[Script, ...]:
    """The scripts that the ledger lacks, in the order in which they have to run."""
    applied = {(line.kind, line.name) for line in ledger}
    ordered = sorted(scripts, key=lambda script: (script.kind is ScriptKind.SEED, natural(script.name)))
    return tuple(script for script in ordered if (script.kind, script.name) not in applied)


def changed(scripts: tuple[Script, ...], ledger: tuple[Applied, ...]) -> Script | None:
    """The first migration that was applied with another content than it has now; None when all fit."""
    applied = {(line.kind, line.name): line.checksum for line in ledger}
    for script in pending(scripts, ()):
        before = applied.get((script.kind, script.name))
        if script.kind is ScriptKind.MIGRATION and before not in (None, script.checksum):
            return script
    return None


def migration_failed(script: Script, line: int | None, message: str, lines: tuple[str, ...]) -> InvalidSpec:
    """The failure of one script: file, line (None where the server named none) and the server's message."""
    where = f"{script.name}, line {line}" if line is not None else script.name
    return InvalidSpec(
        "MigrationFailed",
        f"{script.kind.value.capitalize()} {where}: {message}. Correct the file and push.",
        lines,
    )


def dirty(name: str, script: str) -> InvalidSpec:
    """A script broke off in the middle of a database that cannot undo what it did."""
    return InvalidSpec(
        "DatabaseDirty",
        f"Script {script} broke off in database {name}, and nothing tells how far it came; correct the "
        "script and push: the database is made anew.",
    )


async def read_scripts(
    tree: Tree, migrations: str | None, seed: str | None, formats: Formats
) -> tuple[Script, ...]:
    """The scripts of one commit, in order.

    Args:
        tree: the commit.
        migrations: a directory of the repository, or None.
        seed: a directory, or one file, or None.
        formats: which files the kind of server takes.

    Raises:
        InvalidSpec: MigrationsMissing, SeedMissing, MigrationsTooLarge, MigrationTooLarge, MigrationEncoding,
            MigrationEmpty, MigrationName, MigrationNumberTwice.
    """
    reader = _Reader(tree, formats)
    found = await reader.directory(ScriptKind.MIGRATION, migrations) if migrations is not None else []
    if seed is not None and seed.endswith(formats.seeds):
        found.append(await reader.file(ScriptKind.SEED, seed, posixpath.basename(seed)))
    elif seed is not None:
        found += await reader.directory(ScriptKind.SEED, seed)
    size = sum(len(script.content) for script in found)
    if size > ALL_SCRIPTS_BYTES_MAX:
        raise InvalidSpec(
            "MigrationsTooLarge",
            f"The scripts of this commit hold {size:,} bytes together; at most {ALL_SCRIPTS_BYTES_MAX:,} are "
            "run; load less data.",
        )
    return pending(tuple(found), ())


@dataclass(frozen=True)
class _Reader:
    """Reads the scripts of one commit that one kind of server takes."""

    tree: Tree
    formats: Formats

    def _endings(self, kind: ScriptKind) -> tuple[str, ...]:
        return self.formats.migrations if kind is ScriptKind.MIGRATION else self.formats.seeds

    async def directory(self, kind: ScriptKind, directory: str) -> list[Script]:
        try:
            files = await self.tree.files(directory)
        except InvalidSpec as error:
            raise self._missing(kind, directory) if error.reason == "DirectoryMissing" else error from None
        endings = self._endings(kind)
        names = {_name(file, directory): file for file in files if file.path.endswith(endings)}
        if not names:
            raise self._missing(kind, directory)
        if len(names) > SCRIPTS_MAX:
            raise InvalidSpec(
                "MigrationsTooLarge",
                f"{directory} holds {len(names):,} scripts; at most {SCRIPTS_MAX:,} are run; join some.",
            )
        _check_numbers(directory, sorted(names, key=natural))
        return [await self.file(kind, file.path, name) for name, file in names.items()]

    async def file(self, kind: ScriptKind, path: str, name: str) -> Script:
        binary = path.endswith(self.formats.binary) if self.formats.binary else False
        limit = DUMP_BYTES_MAX if binary else SCRIPT_BYTES_MAX
        try:
            content = await self.tree.read(path, limit)
        except InvalidSpec as error:
            if error.reason == "FileTooLarge":
                raise InvalidSpec(
                    "MigrationTooLarge",
                    f"{path} is larger than {limit:,} bytes; split it, or load less data.",
                ) from None
            raise self._missing(kind, path) if error.reason == "FileMissing" else error from None
        _check_content(path, content, binary=binary)
        return Script(kind=kind, name=name, checksum=hashlib.sha256(content).hexdigest(), content=content)

    def _missing(self, kind: ScriptKind, path: str) -> InvalidSpec:
        migrations = kind is ScriptKind.MIGRATION
        return InvalidSpec(
            "MigrationsMissing" if migrations else "SeedMissing",
            f"database.{'migrations' if migrations else 'seed'} names {path!r}, and the commit holds no file "
            f"there that ends in {' or '.join(self._endings(kind))}; add one, or correct the path.",
        )


def _name(file: TreeFile, directory: str) -> str:
    """The path below the directory: it stays the same when the directory is moved."""
    root = posixpath.normpath(directory)
    inside = root == "." or file.path.startswith(f"{root}/")
    name = posixpath.relpath(file.path, root) if inside else posixpath.basename(file.path)
    if not name.isprintable() or len(name.encode("utf-8", "replace")) > NAME_MAX:
        raise InvalidSpec(
            "MigrationName",
            f"{name[:80]!a}: names of scripts are printable and at most {NAME_MAX} bytes; rename the file.",
        )
    return name


def _check_numbers(directory: str, names: list[str]) -> None:
    """Two files with one number have no order that their authors chose."""
    seen: dict[tuple[str, ...], str] = {}
    for name in names:
        numbers = tuple(_position(part) for part in name.split("/"))
        other = seen.setdefault(numbers, name)
        if other != name:
            raise InvalidSpec(
                "MigrationNumberTwice",
                f"{directory}: {other} and {name} have the same number; give one of them another.",
            )


def _position(part: str) -> str:
    match = _NUMBER.match(part)
    if match is None:
        return f"text {part}"
    return ".".join(number.lstrip("0") or "0" for number in match[1].split("."))


def _check_content(path: str, content: bytes, *, binary: bool) -> None:
    if not content.strip():
        raise InvalidSpec("MigrationEmpty", f"{path} is empty; fill it or remove it.")
    if binary:
        return
    if b"\0" in content:
        raise InvalidSpec("MigrationEncoding", f"{path} holds a zero byte; save it as UTF-8 text.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidSpec(
            "MigrationEncoding", f"{path} is not UTF-8 (byte {error.start:,}); save it as UTF-8."
        ) from None
    if not text.strip():
        raise InvalidSpec("MigrationEmpty", f"{path} is empty; fill it or remove it.")
