"""Downloads over HTTPS: an address and its published checksum in, a verified file out."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from pathlib import Path

from dev.progress import StepFailed

CONNECT_SECONDS = 5.0
CHUNK = 1 << 20


def answers(url: str, seconds: float = CONNECT_SECONDS) -> bool:
    """Tell whether a server answers at all within some seconds; an error status is an answer."""
    try:
        with urllib.request.urlopen(url, timeout=seconds):
            return True
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False


def succeeds(url: str, seconds: float = CONNECT_SECONDS) -> bool:
    """Tell whether a server answers with a status below 400 within some seconds."""
    try:
        with urllib.request.urlopen(url, timeout=seconds):
            return True
    except (OSError, ValueError):
        return False


def fetch_text(url: str) -> str:
    """Return a small document.

    Raises:
        StepFailed: the server does not answer or does not have it.
    """
    try:
        with urllib.request.urlopen(url, timeout=CONNECT_SECONDS) as answer:
            return bytes(answer.read(CHUNK)).decode()
    except (OSError, ValueError) as error:
        raise StepFailed(f"{url}: {error}") from error


def fetch(url: str, target: Path, checksum: str, algorithm: str) -> None:
    """Write a file and check it against its published checksum (hexadecimal).

    Raises:
        StepFailed: it cannot be had, or is not what was published; then nothing is left at `target`.
    """
    whole = hashlib.new(algorithm)
    try:
        with urllib.request.urlopen(url, timeout=CONNECT_SECONDS) as answer, target.open("wb") as file:
            while chunk := answer.read(CHUNK):
                whole.update(chunk)
                file.write(chunk)
    except (OSError, ValueError) as error:
        target.unlink(missing_ok=True)
        raise StepFailed(f"{url}: {error}") from error
    if whole.hexdigest() != checksum.strip().lower():
        target.unlink()
        raise StepFailed(f"{url}: {algorithm} is {whole.hexdigest()}, published is {checksum.strip()}")
