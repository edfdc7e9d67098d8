"""The cache: directories that are built once, under a key, and never change afterwards.

A builder writes into a temporary directory that is renamed when it is whole, so that a half-built entry
is never seen; a lock per entry lets two platforms that start side by side wait for one build instead of
doing it twice.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def entry(cache: Path, key: str, build: Callable[[Path], None]) -> Path:
    """Return the directory kept under `key`, calling `build` with an empty directory where there is none."""
    target = cache / key
    if target.is_dir():
        return target
    with locked(cache / "locks" / key.replace("/", "-")):
        if target.is_dir():
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            build(building)
            building.chmod(0o755)
            building.rename(target)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return target


def digest(*contents: bytes) -> str:
    """Return a key of 12 hexadecimal characters for some contents, in order."""
    whole = hashlib.sha256()
    for content in contents:
        whole.update(len(content).to_bytes(8, "big") + content)
    return whole.hexdigest()[:12]


def digest_of_files(*paths: Path) -> str:
    """Return a key for what lies in some files and, recursively, directories; names count."""
    files = sorted(file for path in paths for file in ([path] if path.is_file() else path.rglob("*")))
    contents = (part for file in files if _counts(file) for part in (file.name.encode(), file.read_bytes()))
    return digest(*contents)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock between processes while the block runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _counts(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts
