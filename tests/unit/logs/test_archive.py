"""What was archived can be read back, line by line, or it is said what cannot."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import obstore
import pytest
from obstore.store import MemoryStore

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.api.names import LogKey
from controller.logs.archive import Archive, archived, memory_archive, open_archive
from controller.logs.archive_objects import ObjectArchive
from controller.logs.store import Line
from tests.unit.logs.entries import BEGIN, BLOG, SHOP, entry

FIRST_DAY = BEGIN.date()
DAY = timedelta(days=1)
FOLDER = f"acme/shop/pr-7/{SHOP.incarnation}"


def lines(first: int, last: int, *, key: LogKey = SHOP, day: int = 0) -> list[Line]:
    """Lines of one day, whose messages are their sequences."""
    return [
        Line(n, entry(str(n), key, after=day * DAY + timedelta(seconds=n))) for n in range(first, last + 1)
    ]


async def sequences(
    archive: Archive, since: datetime | None = None, until: datetime | None = None
) -> list[int]:
    """What is read of the shop's preview."""
    return [line.sequence async for line in archived(archive, "Acme/Shop", "pr-7", since, until)]


async def test_lines_come_back_as_they_were() -> None:
    archive = memory_archive()
    odd = replace(entry('ä🐘\0"\x1b[31m\n', metadata={"dropped": 3}), service=None, pr_number=None)
    kept = [Line(4, odd), *lines(5, 9)]
    await archive.put(SHOP, "pr-7", FIRST_DAY, kept)
    assert [line async for line in archived(archive, "acme/shop", "pr-7")] == kept


async def test_parts_lie_by_preview_incarnation_day_and_sequence(tmp_path: Path) -> None:
    archive = open_archive(f"file://{tmp_path}/old%20logs", {})
    part = await archive.put(SHOP, "pr-7", FIRST_DAY, lines(42, 50))
    assert part.path == f"{FOLDER}/2026-01-01/000000000042.jsonl.gz"
    assert (tmp_path / "old logs" / part.path).stat().st_size == part.size
    assert (tmp_path / "old logs").stat().st_mode & 0o777 == 0o700
    assert await archive.parts("acme/shop", "pr-7") == (part,)
    assert await sequences(archive) == list(range(42, 51))


async def test_a_part_that_is_put_again_is_not_doubled() -> None:
    archive = memory_archive()
    await archive.put(SHOP, "pr-7", FIRST_DAY, lines(1, 5))
    await archive.put(SHOP, "pr-7", FIRST_DAY, lines(1, 7))
    await archive.put(SHOP, "pr-7", FIRST_DAY, lines(4, 9))
    assert len(await archive.parts("acme/shop", "pr-7")) == 2
    assert await sequences(archive) == list(range(1, 10))


async def test_days_that_overlap_in_sequence_are_read_in_full() -> None:
    archive = memory_archive()
    first, second = lines(1, 6), lines(1, 6, day=1)
    await archive.put(SHOP, "pr-7", FIRST_DAY, [first[0], first[1], first[3]])
    await archive.put(SHOP, "pr-7", FIRST_DAY + DAY, [second[2], second[4], second[5]])
    assert await sequences(archive) == [1, 2, 4, 3, 5, 6]


async def test_times_choose_days_and_lines() -> None:
    archive = memory_archive()
    for day in range(4):
        await archive.put(SHOP, "pr-7", FIRST_DAY + day * DAY, lines(day * 10 + 1, day * 10 + 3, day=day))
    since, until = BEGIN + DAY + timedelta(seconds=12), BEGIN + 2 * DAY + timedelta(seconds=22)
    assert [part.first for part in await archive.parts("acme/shop", "pr-7", since, until)] == [11, 21]
    assert await sequences(archive, since, until) == [12, 13, 21]


async def test_a_slug_used_again_and_another_repository_are_apart() -> None:
    archive = memory_archive()
    again = LogKey("acme/shop", "33333333")
    await archive.put(again, "pr-7", FIRST_DAY + DAY, lines(1, 2, key=again, day=1))
    await archive.put(SHOP, "pr-7", FIRST_DAY, lines(8, 9))
    await archive.put(SHOP, "pr-77", FIRST_DAY, lines(8, 9))
    await archive.put(BLOG, "pr-7", FIRST_DAY, lines(3, 4, key=BLOG))
    assert await sequences(archive) == [8, 9, 1, 2]
    read = [line async for line in archived(archive, "acme/shop", "pr-7")]
    assert [line.entry.key for line in read] == [SHOP, SHOP, again, again]


@pytest.mark.parametrize("name", ["../../etc", "..", "a/b", "", "ä" * 200])
async def test_no_name_leads_out_of_its_folder(tmp_path: Path, name: str) -> None:
    archive = open_archive(f"file://{tmp_path}/logs", {})
    key = LogKey("acme/..", name)
    await archive.put(key, name, FIRST_DAY, lines(1, 2, key=key))
    assert [line.sequence async for line in archived(archive, "acme/..", name)] == [1, 2]
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]
    assert len(list(tmp_path.rglob("*.jsonl.gz"))) == 1


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda packed: packed[:-9], "breaks off"),
        (lambda packed: b"", "breaks off"),
        (lambda packed: b"not gzip", "not as gzip has it"),
        (lambda packed: packed[:30] + b"\x00\xff\x00" + packed[33:], "cannot be read"),
    ],
)
async def test_a_part_that_is_damaged_is_named(damage: object, words: str) -> None:
    objects = MemoryStore()
    archive = ObjectArchive(objects, "s3://logs")
    part = await archive.put(SHOP, "pr-7", FIRST_DAY, lines(1, 500))
    packed = bytes((await obstore.get_async(objects, part.path)).bytes())
    assert callable(damage)
    await obstore.put_async(objects, part.path, damage(packed))
    with pytest.raises(
        BackendUnavailable, match=f"{part.path} of the log archive s3://logs.*{words}"
    ) as raised:
        await sequences(archive)
    assert raised.value.reason == "ArchiveUnreadable"


async def test_a_part_that_is_gone_meanwhile_is_named() -> None:
    objects = MemoryStore()
    archive = ObjectArchive(objects, "s3://logs")
    part = await archive.put(SHOP, "pr-7", FIRST_DAY, lines(1, 2))
    await obstore.delete_async(objects, part.path)
    with pytest.raises(BackendUnavailable, match="is gone"):
        [line async for line in archive.lines(part)]


async def test_a_line_of_another_repository_is_not_given() -> None:
    objects = MemoryStore()
    archive = ObjectArchive(objects, "s3://logs")
    other = await archive.put(BLOG, "pr-7", FIRST_DAY, lines(1, 2, key=BLOG))
    await obstore.copy_async(objects, other.path, f"{FOLDER}/2026-01-01/000000000001.jsonl.gz")
    with pytest.raises(BackendUnavailable, match="another repository"):
        await sequences(archive)


async def test_what_else_lies_in_the_folder_is_left_alone() -> None:
    objects = MemoryStore()
    archive = ObjectArchive(objects, "s3://logs")
    for name in ("2026-01-01/readme.txt", "2026-13-41/000000000001.jsonl.gz", "000000000001.jsonl.gz"):
        await obstore.put_async(objects, f"{FOLDER}/{name}", b"")
    assert await archive.parts("acme/shop", "pr-7") == ()


async def test_a_large_part_is_unpacked_piece_by_piece() -> None:
    archive = memory_archive()
    kept = [Line(n, entry("x" * 16_000)) for n in range(1, 1001)]
    part = await archive.put(SHOP, "pr-7", FIRST_DAY, kept)
    assert part.size < 200_000
    assert await sequences(archive) == list(range(1, 1001))


def test_the_same_lines_make_the_same_bytes() -> None:
    from controller.logs.archive_parts import pack

    assert pack(lines(1, 5)) == pack(lines(1, 5))


@pytest.mark.parametrize(
    "url",
    ["", "/tmp/logs", "file://", "file://host/logs", "s3://", "s3://key:secret@bucket", "gs://b", "s3://b b"],
)
def test_a_url_that_names_no_archive_is_refused(url: str) -> None:
    with pytest.raises(InvalidSpec) as raised:
        open_archive(url, {})
    assert raised.value.reason == "ArchiveInvalid"
    assert "secret@" not in raised.value.message


async def test_a_directory_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidSpec, match="LOG_ARCHIVE_URL"):
        open_archive(f"file://{tmp_path}/file/logs", {})


async def test_a_server_that_does_not_answer_is_told_of() -> None:
    variables = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "s",
    }
    archive = open_archive("s3://logs/below", variables)
    with pytest.raises(
        BackendUnavailable, match="The log archive s3://logs/below cannot be listed"
    ) as raised:
        await archive.check()
    assert raised.value.reason == "ArchiveUnavailable"
