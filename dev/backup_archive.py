"""A backup as one file: a directory of parts and what is counted of them to a tar with a manifest, and back.

    parts ── write ──▶ manifest.json, parts/… in one tar ── look, unpack ──▶ checked, a directory again

The tar can be read by its owner alone: it holds passwords. Its manifest says what is in it, with checksums.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from dev.progress import StepFailed

FORMAT = 1
MANIFEST = "manifest.json"
PARTS = "parts"
CHUNK = 1 << 20


@dataclass(frozen=True)
class Manifest:
    """What a backup is of."""

    format: int
    version: str
    """Of the product that made it."""
    installation: str
    made_at: str
    """UTC, RFC 3339."""
    counts: Mapping[str, int]
    """How many there are of what, for people."""
    checksums: Mapping[str, str]
    """SHA-256 of each part, by its path."""

    def told(self) -> str:
        """What is in it, in one line."""
        return ", ".join(f"{count} {what}" for what, count in self.counts.items())


def write(path: Path, parts: Path, about: Mapping[str, object], counts: Mapping[str, int]) -> Manifest:
    """Write a backup; one that is there under the name is replaced once the new one is whole.

    Args:
        path: of the tar.
        parts: a directory; all its files go in.
        about: version, installation and time.
        counts: see `Manifest.counts`.
    """
    files = sorted(file for file in parts.rglob("*") if file.is_file())
    checksums = {str(file.relative_to(parts)): _checksum(file) for file in files}
    manifest = Manifest(format=FORMAT, counts=counts, checksums=checksums, **about)  # type: ignore[arg-type]
    described = parts.parent / MANIFEST
    described.write_text(json.dumps(asdict(manifest), indent=2) + "\n")
    whole = path.with_name(f".{path.name}.part")
    descriptor = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w") as tar:
        os.fchmod(descriptor, 0o600)
        tar.add(described, MANIFEST)
        tar.add(parts, PARTS)
    whole.replace(path)
    return manifest


def look(path: Path) -> Manifest:
    """The manifest of a backup.

    Raises:
        StepFailed: the file is none, or of a newer format.
    """
    try:
        with tarfile.open(path) as tar:
            member = tar.extractfile(MANIFEST)
            found = json.loads(member.read()) if member is not None else {}
        made_by = found["format"]
    except (OSError, tarfile.TarError, KeyError, ValueError) as error:
        raise StepFailed(
            f"{path} is no backup of `make backup` ({type(error).__name__}); name another"
        ) from error
    if made_by != FORMAT:
        raise StepFailed(
            f"{path} is a backup of format {made_by}, made by version {found.get('version')}; this one reads "
            f"format {FORMAT}: restore it with the version that made it, or a newer one"
        )
    return Manifest(**found)


def unpack(path: Path, directory: Path, manifest: Manifest) -> Path:
    """Unpack a backup and return its parts.

    Raises:
        StepFailed: it is not as it was written.
    """
    parts = directory / PARTS
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                _extract(tar, member, directory.resolve())
    except (OSError, tarfile.TarError) as error:
        raise StepFailed(f"{path} cannot be read to its end ({error}); use another backup") from error
    for name, checksum in manifest.checksums.items():
        if not (parts / name).is_file() or _checksum(parts / name) != checksum:
            raise StepFailed(f"{path}: {name} is missing or not as it was written; use another backup")
    return parts


def about(version: str, installation: str, now: datetime) -> dict[str, object]:
    """Who made a backup, and when."""
    return {"version": version, "installation": installation, "made_at": now.isoformat(timespec="seconds")}


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, directory: Path) -> None:
    """Write a file or a directory of an archive; what is neither, or leads elsewhere, is left out."""
    target = (directory / member.name).resolve()
    if not target.is_relative_to(directory):
        return
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
    elif (found := tar.extractfile(member) if member.isfile() else None) is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with found, target.open("wb") as file:
            shutil.copyfileobj(found, file)
        target.chmod(member.mode & 0o755)


def _checksum(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
