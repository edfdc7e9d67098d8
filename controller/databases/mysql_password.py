"""Passwords as MySQL and MariaDB store them: a password in a statement would reach the server's logs.

MySQL 8 and 9 take `caching_sha2_password`: SHA-crypt with SHA-256, 5000 rounds and 20 characters of salt.
MariaDB takes `mysql_native_password`, which every client of it speaks: twice SHA-1, without salt, and so as
strong as the password, which is long and random here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

SALT_LENGTH = 20
ROUNDS = 5000
ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGEST = 32


def native(password: str) -> str:
    """What `mysql_native_password` stores."""
    once = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    return "*" + hashlib.sha1(once, usedforsecurity=False).hexdigest().upper()


def caching_sha2(password: str, random: bytes) -> str:
    """What `caching_sha2_password` stores; it holds no quote and no backslash.

    Args:
        password: in the clear.
        random: as many random bytes as the salt has characters.
    """
    salt = "".join(ALPHABET[byte % 64] for byte in random)
    return f"$A${ROUNDS // 1000:03}${salt}{sha256_crypt(password.encode(), salt.encode(), ROUNDS)}"


def sha256_crypt(password: bytes, salt: bytes, rounds: int) -> str:
    """The digest of SHA-crypt (SHA-256), without its head."""
    digest = _first(password, salt)
    p_bytes = _filled(hashlib.sha256(password * len(password)).digest(), len(password))
    s_bytes = _filled(hashlib.sha256(salt * (16 + digest[0])).digest(), len(salt))
    for number in range(rounds):
        step = hashlib.sha256(p_bytes if number % 2 else digest)
        if number % 3:
            step.update(s_bytes)
        if number % 7:
            step.update(p_bytes)
        step.update(digest if number % 2 else p_bytes)
        digest = step.digest()
    return "".join(_letters(digest))


def _first(password: bytes, salt: bytes) -> bytes:
    other = hashlib.sha256(password + salt + password).digest()
    begun = hashlib.sha256(password + salt + _filled(other, len(password)))
    length = len(password)
    while length:
        begun.update(other if length & 1 else password)
        length >>= 1
    return begun.digest()


def _filled(digest: bytes, length: int) -> bytes:
    return (digest * (length // _DIGEST + 1))[:length]


def _letters(digest: bytes) -> Iterator[str]:
    for start in range(10):
        places = [(start * 21) % 30, (start * 21 + 10) % 30, (start * 21 + 20) % 30]
        yield from _group(bytes(digest[place] for place in places), 4)
    yield from _group(bytes((0, digest[31], digest[30])), 3)


def _group(three: bytes, letters: int) -> Iterator[str]:
    value = int.from_bytes(three, "big")
    for _ in range(letters):
        yield ALPHABET[value & 63]
        value >>= 6
