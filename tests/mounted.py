"""Secrets as a kubelet mounts them, and changes them in place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


class Mounted:
    """A mounted Secret: the link `..data` is replaced, what it points to never changes."""

    def __init__(self, folder: Path, key: str = "url") -> None:
        self.folder = folder
        self._count = 0
        self._key = key

    @property
    def path(self) -> Path:
        """The file of its first key."""
        return self.folder / self._key

    def put(self, text: str | None) -> None:
        """Let it have that key alone, or none."""
        self.put_all({} if text is None else {self._key: text})

    def put_all(self, data: Mapping[str, str]) -> None:
        """Let it have these keys."""
        self._count += 1
        version = self.folder / f"..{self._count}"
        version.mkdir()
        for key, text in data.items():
            (version / key).write_text(text)
            if not (self.folder / key).is_symlink():
                (self.folder / key).symlink_to(f"..data/{key}")
        link = self.folder / "..data_tmp"
        link.symlink_to(version.name)
        link.rename(self.folder / "..data")
        for path in self.folder.iterdir():
            if not path.name.startswith("..") and path.name not in data and path.name != self._key:
                path.unlink()
