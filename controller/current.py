"""What may change while the process runs: a secret in a mounted file, and what is made of it.

    file ── mark (which file, how new, how large) ──▶ another one? ── yes ──▶ read, make ──▶ the value now
                                                        └─ no, or nothing can be made of it ──▶ as before

Nothing runs in the background: whoever needs the value asks for it, and pays one look at the file. A mounted
Secret changes by a symbolic link that is replaced as a whole: another file behind the same path.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from controller.api.errors import InvalidSpec, PreviewError

log = structlog.get_logger()

Seen = TypeVar("Seen")
Made = TypeVar("Made")
Secret = Callable[[], str]
"""A secret as it is now."""
Mark = tuple[int, int, int, int]


class Current(Generic[Seen, Made]):
    """What is made of something that may change, made anew when it did.

    Args:
        what: its name in the log.
        look: what is compared: cheap, never fails, and is another value after each change.
        make: makes the value of what was seen. What it raises (PreviewError) is raised here; later, a change
            of which nothing can be made is logged once, and what was made before stays.
    """

    def __init__(self, what: str, look: Callable[[], Seen], make: Callable[[Seen], Made]) -> None:
        self._what = what
        self._look = look
        self._make = make
        self._seen = look()
        self._made = make(self._seen)

    def __call__(self) -> Made:
        """The value as it is now."""
        seen = self._look()
        if seen != self._seen:
            self._seen = seen
            self._renew(seen)
        return self._made

    def _renew(self, seen: Seen) -> None:
        try:
            self._made = self._make(seen)
        except PreviewError as error:
            said = {"reason": error.reason, "message": error.message}
            log.error("cannot be used; what was there before stays", what=self._what, **said)
        else:
            log.info("taken up anew", what=self._what)


def fixed(value: str) -> Secret:
    """A secret that stays what it is."""
    return lambda: value


def secret_file(path: Path) -> Secret:
    """The secret in a file, without white space around it; it may change at any time.

    Raises:
        InvalidSpec: SecretUnreadable, SecretEmpty.
    """
    return Current(str(path), partial(marked, path), lambda mark: _content(path))


def marked(path: Path) -> Mark | None:
    """What tells a file from another one, and from what it was before; None where it cannot be seen."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)


def _content(path: Path) -> str:
    try:
        text = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise InvalidSpec("SecretUnreadable", f"{path} cannot be read: {why}; correct it.") from None
    if not text:
        raise InvalidSpec("SecretEmpty", f"{path} is empty; put the secret in it.")
    return text
