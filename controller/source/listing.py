"""The listing of one commit: raw entries come in, are checked against hostile ones, and are then looked up.

    entries ── check_entries ──▶ (link targets are read) ──▶ Listing ── check_links ──▶ resolve, below

Pure: no I/O. Both sources build on it, so that they refuse the same things in the same words.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from controller.api.errors import InvalidSpec
from controller.source.limits import MIB, SourceLimits
from controller.source.protocol import TreeFile

LINK, SUBMODULE, EXECUTABLE, REGULAR = 0o120000, 0o160000, 0o100755, 0o100644
PATH_MAX = 1024
HOPS_MAX = 40  # as Linux has it
DEPTH_MAX = PATH_MAX // 2
STEPS_MAX = 200_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a commit's tree: path, git's mode, bytes, and what the source finds the content by."""

    path: str
    mode: int
    size: int
    content: str = ""


def shown(path: str) -> str:
    """A hostile path as it may stand in a message: quoted, escaped, cut at 120 characters."""
    return ascii(path if len(path) <= 120 else f"{path[:120]}…")


def too_many_files(what: str, limits: SourceLimits) -> InvalidSpec:
    """The refusal of a tree with more files than allowed."""
    return InvalidSpec(
        "SourceTooLarge",
        f"{what} holds more than {limits.files:,} files; remove generated files from the commit.",
    )


def refused(what: str, path: str, why: str) -> InvalidSpec:
    """The refusal of a tree for one of its paths."""
    return InvalidSpec("SourceRefused", f"{what}: {shown(path)} {why}.")


def check_entries(what: str, entries: tuple[Entry, ...], limits: SourceLimits) -> None:
    """Refuse names and sizes before anything is read.

    Raises:
        InvalidSpec: SourceRefused (a name), SourceTooLarge.
    """
    if len(entries) > limits.files:
        raise too_many_files(what, limits)
    total = 0
    for entry in entries:
        check_name(what, entry.path)
        total += entry.size
        if entry.mode == LINK and entry.size > PATH_MAX:
            raise refused(what, entry.path, f"is a symbolic link of more than {PATH_MAX} bytes")
        if entry.size > limits.file_bytes:
            raise InvalidSpec(
                "SourceTooLarge",
                f"{what}: {shown(entry.path)} has {_mib(entry.size)}, a file may have "
                f"{_mib(limits.file_bytes)}; remove it from the commit.",
            )
    if total > limits.total_bytes:
        raise InvalidSpec(
            "SourceTooLarge",
            f"{what} has {_mib(total)} of files, {_mib(limits.total_bytes)} are allowed; make it smaller.",
        )


def text(what: str, raw: bytes) -> str:
    """A path or a link's target as text.

    Raises:
        InvalidSpec: SourceRefused, when it is not UTF-8.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise refused(what, raw.decode(errors="replace"), "is not UTF-8; rename it") from error


def check_name(what: str, path: str) -> None:
    """Refuse a path that no honest tree holds: it could name something outside, or forge a log line."""
    if _CONTROL.search(path):
        raise refused(what, path, "holds a control character; rename it")
    if len(path) > PATH_MAX:
        raise refused(what, path, f"has more than {PATH_MAX} characters; rename it")
    for part in path.split("/"):
        if part in ("", ".", "..") or part.lower() == ".git":
            raise refused(what, path, "is no name for a file of a repository; rename it")


def _mib(size: int) -> str:
    return f"{size / MIB:,.1f} MiB"


class Listing:
    """The checked files of one commit, sorted by path.

    Args:
        what: names the commit in messages.
        entries: what passed `check_entries`; submodules are left out and remembered for messages.
        targets: the target of each link, by path.

    Raises:
        InvalidSpec: SourceRefused, when a path stands twice or a link leaves the tree.
    """

    def __init__(self, what: str, entries: Iterable[Entry], targets: Mapping[str, str]) -> None:
        self.what = what
        ordered = sorted(entries, key=lambda entry: entry.path)
        self.submodules = tuple(entry.path for entry in ordered if entry.mode == SUBMODULE)
        kept = [entry for entry in ordered if entry.mode != SUBMODULE]
        self.files = tuple(_tree_file(entry, targets.get(entry.path)) for entry in kept)
        self._paths = [file.path for file in self.files]
        self._by_path = {file.path: file for file in self.files}
        self._steps = 0
        for first, second in pairwise(entry.path for entry in ordered):
            if first == second:
                raise refused(what, first, "stands twice in the tree")
        for path in self._paths:
            if self.is_directory(path):
                raise refused(what, path, "is both a file and a directory")
        self._check_links()

    def __len__(self) -> int:
        return len(self.files)

    def file(self, path: str) -> TreeFile | None:
        """The file or link at exactly this path."""
        return self._by_path.get(path)

    def is_directory(self, path: str) -> bool:
        """Whether anything lies below this path; the root is "" and always there."""
        return path == "" or bool(self._range(path))

    def below(self, path: str) -> tuple[TreeFile, ...]:
        """All files below a directory, given in resolved form."""
        if path == "":
            return self.files
        span = self._range(path)
        return self.files[span.start : span.stop]

    def _range(self, directory: str) -> range:
        # "0" follows "/": everything between the two is below the directory.
        start = bisect_left(self._paths, f"{directory}/")
        return range(start, bisect_left(self._paths, f"{directory}0", start))

    def resolve(self, path: str) -> str | None:
        """Where a path leads when links are followed; None for links that go round in circles.

        The result need not exist.

        Raises:
            InvalidSpec: PathOutside.
        """
        if path.startswith("/"):
            raise _outside(self.what, path)
        return self._follow(path, [])

    def _follow(self, path: str, at: list[str]) -> str | None:
        pending = path.split("/")[::-1]
        hops = 0
        while pending:
            part = pending.pop()
            self._steps += 1
            if part in ("", "."):
                continue
            if part == "..":
                if not at:
                    raise _outside(self.what, path)
                at.pop()
                continue
            at.append(part)
            if len(at) > DEPTH_MAX:
                raise _outside(self.what, path)
            link = self._link("/".join(at))
            if link is None:
                continue
            hops += 1
            if hops > HOPS_MAX:
                return None
            if link.startswith("/"):
                raise _outside(self.what, path)
            at.pop()
            pending += link.split("/")[::-1]
        return "/".join(at)

    def _link(self, path: str) -> str | None:
        file = self._by_path.get(path)
        return file.link if file else None

    def _check_links(self) -> None:
        for file in self.files:
            if file.link is None:
                continue
            if self._steps > STEPS_MAX:
                raise refused(
                    self.what, file.path, "is one link too many to follow; use fewer and shorter links"
                )
            if _CONTROL.search(file.link):
                raise refused(
                    self.what, file.path, "is a symbolic link whose target holds a control character"
                )
            try:
                self.resolve(file.path)
            except InvalidSpec as outside:
                why = f"is a symbolic link that leaves the repository (to {shown(file.link)}); remove it"
                raise refused(self.what, file.path, why) from outside


def _tree_file(entry: Entry, target: str | None) -> TreeFile:
    if entry.mode == LINK:
        return TreeFile(entry.path, 0o777, entry.size, link=target or "")
    return TreeFile(entry.path, 0o755 if entry.mode & 0o111 else 0o644, entry.size)


def _outside(what: str, path: str) -> InvalidSpec:
    return InvalidSpec(
        "PathOutside",
        f"{what}: the path {shown(path)} leaves the repository; give one inside it, relative to its root.",
    )
