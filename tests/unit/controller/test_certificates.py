"""Certificates in files: what is wrong with them is told, and what was good is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from controller.api.errors import InvalidSpec
from controller.certificates import LOOK_SECONDS, CertificateFiles, Pair, files_of, read_pair, trusting
from tests.standin.authority import Authority
from tests.unit.controller.manual_clock import ManualClock


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
async def watched(authority: Authority) -> AsyncIterator[tuple[CertificateFiles, ManualClock, list[Pair]]]:
    """A pair that is looked at again and again, and every new one that was told."""
    clock, told = ManualClock(), list[Pair]()
    files = CertificateFiles(*authority.issue("a.test"), clock)
    files.heed(told.append)
    task = asyncio.create_task(files.run())
    yield files, clock, told
    task.cancel()


async def looked(clock: ManualClock, files: CertificateFiles) -> None:
    """Have it look; the files are read in a thread, which the clock does not wait for."""
    await clock.advance(LOOK_SECONDS)
    await files.refresh()


async def test_a_new_pair_is_told_once(
    authority: Authority, watched: tuple[CertificateFiles, ManualClock, list[Pair]]
) -> None:
    files, clock, told = watched
    await looked(clock, files)
    assert told == []
    authority.issue("a.test")
    await looked(clock, files)
    await looked(clock, files)
    assert told == [files.pair]


async def test_half_of_an_exchange_changes_nothing_and_is_told_without_the_key(
    authority: Authority, watched: tuple[CertificateFiles, ManualClock, list[Pair]], tmp_path: Path
) -> None:
    files, clock, told = watched
    before, key_file = files.pair, tmp_path / "server-key.pem"
    other = authority.issue("a.test", stem="other")[1].read_text()
    key_file.write_text(other)
    with capture_logs() as logs:
        await looked(clock, files)
        await looked(clock, files)
    assert (told, files.pair) == ([], before)
    with pytest.raises(InvalidSpec, match="does not belong") as caught:
        await files.check()
    said = f"{caught.value} {logs}"
    assert str(key_file) in said
    assert other.splitlines()[1] not in said
    assert len(logs) == 1
    key_file.write_text(before.key)
    await looked(clock, files)
    assert files.pair == before


async def test_a_certificate_that_ends_soon_is_told_beforehand(authority: Authority) -> None:
    clock = ManualClock()
    files = CertificateFiles(*authority.issue("a.test"), clock)

    def be_left(days: int) -> None:
        clock.seconds += (files.pair.expires - timedelta(days=days) - clock.now()).total_seconds()

    be_left(8)
    await files.check()
    for days in (6, -1):
        be_left(days)
        with pytest.raises(InvalidSpec, match="put a new one") as caught:
            await files.check()
        assert caught.value.reason == "CertificateExpires"


@pytest.mark.parametrize(
    "content", ["", "no pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
)
async def test_what_is_no_certificate_is_told_by_its_file(
    authority: Authority, tmp_path: Path, content: str
) -> None:
    cert_file, key_file = authority.issue("a.test")
    cert_file.write_text(content)
    with pytest.raises(InvalidSpec, match=r"server-cert\.pem"):
        read_pair(cert_file, key_file)
    with pytest.raises(InvalidSpec, match=r"server-cert\.pem"):
        trusting(cert_file)
    with pytest.raises(InvalidSpec, match="missing"):
        read_pair(tmp_path / "missing", key_file)


async def test_one_file_without_the_other_is_refused(tmp_path: Path) -> None:
    assert files_of("TRAEFIK", None, None, ManualClock()) is None
    with pytest.raises(InvalidSpec, match="TRAEFIK_CERT_FILE and TRAEFIK_KEY_FILE"):
        files_of("TRAEFIK", tmp_path / "cert.pem", None, ManualClock())
