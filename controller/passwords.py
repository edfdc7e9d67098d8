"""Passwords: made for databases, hashed for the proxy."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable

import bcrypt

ROUNDS = 5  # the proxy computes it for every request; passwords of previews are no more than a curtain
PASSWORD_BYTES = 30
USER = "preview"
BCRYPT_BYTES = 72  # bcrypt looks at no more of a password
_ALPHABET = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def new_password() -> str:
    """A random password of 40 characters, safe in a URL."""
    return secrets.token_urlsafe(PASSWORD_BYTES)


class PasswordHasher:
    """Makes htpasswd lines; the same salt text and password give the same line, so that nothing restarts
    for a new salt.
    """

    def __init__(self, hash_password: Callable[[bytes, bytes], bytes] = bcrypt.hashpw) -> None:
        self._hash = hash_password
        self._known: dict[str, str] = {}

    async def line(self, salt: str, password: str) -> str:
        """`preview:<bcrypt>` for a password, with a salt that follows from the text `salt`."""
        key = hashlib.sha256(f"{salt}\0{password}".encode()).hexdigest()
        if key not in self._known:
            raw = hashlib.sha256(salt.encode()).digest()
            letters = bytes(_ALPHABET[byte % 64] for byte in raw[:21]) + b"."
            prefix = f"$2b${ROUNDS:02d}$".encode()
            secret = password.encode()[:BCRYPT_BYTES]
            hashed = await asyncio.to_thread(self._hash, secret, prefix + letters)
            self._known[key] = f"{USER}:{hashed.decode()}"
        return self._known[key]
