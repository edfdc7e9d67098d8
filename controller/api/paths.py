"""Paths inside a repository: what a preview file or a spec may name, long before any file is opened.

This refuses what is visibly wrong. Symbolic links are the source's business, which resolves them inside the
checkout.
"""

from __future__ import annotations

import re

from controller.api.rules import Rule, quoted

PATH_MAX = 512
_PATTERN = r"^[^/\\\x00-\x1f\x7f-\x9f][^\\\x00-\x1f\x7f-\x9f]*$"
_ALLOWED = re.compile(_PATTERN.removeprefix("^").removesuffix("$"))
PATH_MESSAGE = (
    "must be a path inside the repository: relative, without '..', backslashes and control characters"
)


def inside(path: str) -> bool:
    """The path is relative, never leads upwards, and holds no backslash and no control character."""
    return len(path) <= PATH_MAX and _ALLOWED.fullmatch(path) is not None and ".." not in path.split("/")


INSIDE = Rule(
    PATH_MESSAGE,
    f"self.matches({quoted(_PATTERN)}) && !self.split('/').exists(part, part == '..')",
    inside,
)
