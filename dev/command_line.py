"""The commands `previewcloud` and `kubectl preview` of this checkout, as programs among the platform's.

They run the checkout's sources with the venv's Python, from whatever directory, and leave the venv as it is.
"""

from __future__ import annotations

import shlex

from dev.site import Site

PROGRAMS = ("previewcloud", "kubectl-preview")
_START = (
    "import sys; sys.path.insert(0, {checkout!r}); sys.argv[0] = {program!r}; "
    "from cli.__main__ import main; main()"
)


def ensure(site: Site) -> None:
    """Write both programs; what is as it should be is left alone."""
    for program in PROGRAMS:
        path = site.bin / program
        text = script(site, program)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
        path.chmod(0o755)


def script(site: Site, program: str) -> str:
    """The text of one program: by its name, the command knows how it was called."""
    start = _START.format(checkout=str(site.checkout), program=program)
    python = site.checkout / ".venv/bin/python"
    # -P: the directory in which it is called must not be where modules are looked for.
    return f'#!/bin/sh\nexec {shlex.quote(str(python))} -P -c {shlex.quote(start)} "$@"\n'
