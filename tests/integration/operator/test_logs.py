"""What a preview says, kept: from its builds to its containers' last words, each line once, and no secret."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from functools import partial
from urllib.parse import urlsplit, urlunsplit

import pytest
from pymongo import AsyncMongoClient

from controller.logs.mask import MASK
from controller.logs.protocol import LogEntry, LogType
from tests.integration.operator.app import files, service
from tests.integration.operator.logbook import Logbook
from tests.integration.operator.polling import until
from tests.integration.operator.process import Operator
from tests.integration.operator.space import Space

COUNTS = (
    "n=0; while [ $n -lt 100000 ]; do n=$((n+1)); echo number $n; sleep 0.05; done & exec perl /server.pl"
)
TOKEN_ENV = [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "token", "key": "value"}}}]
LAST = "trap 'echo the very last words; exit 0' TERM; perl /server.pl & wait"


async def test_every_part_of_a_deployment_is_in_its_log(space: Space, operator: Operator) -> None:
    repository = space.repository()
    tree = files(lines=("RUN echo said while building",), database=True)
    await space.create("whole", {"source": space.source(repository, repository.commit(tree))})
    slug = (await space.ready("whole")).status["slug"]
    wanted = set(LogType)
    found = await until(
        partial(operator.logbook.entries, slug), 20, lambda all_: {one.type for one in all_} >= wanted
    )
    assert {one.key.repository for one in found} == {repository.name.lower()}
    assert [one.service for one in found if "said while building" in one.message][:1] == ["web"]
    container = next(one for one in found if one.type is LogType.CONTAINER)
    assert (container.service, container.message) == ("web", "listening on 8080")
    assert container.stream == "stderr"
    lines = await operator.logbook.lines(slug)
    assert sorted(line.sequence for line in lines) == list(range(1, len(lines) + 1))


async def test_a_container_is_read_on_where_it_was_by_the_next_operator(
    space: Space, operator: Operator
) -> None:
    counting = service(command=["sh", "-c", COUNTS])
    await space.create("count", {"source": space.source(), "services": [counting]})
    slug = (await space.ready("count")).status["slug"]
    await until(partial(_numbers, operator, slug), 20, lambda found: len(found) > 20)
    operator.kill()
    before = await _numbers(operator, slug)
    operator.start()
    found = await until(
        partial(_numbers, operator, slug), 30, lambda found: bool(found) and found[-1] > before[-1] + 60
    )
    assert found == list(range(1, found[-1] + 1))


async def test_the_last_words_of_what_is_replaced_are_read(space: Space, operator: Operator) -> None:
    talking = service(command=["sh", "-c", LAST])
    source = space.source()
    await space.create("last", {"source": source, "services": [talking]})
    slug = (await space.ready("last")).status["slug"]
    for number in range(3):
        await space.push("last", f"{number}" * 40)
        await space.ready("last")
        await until(partial(_last_words, operator, slug), 20, lambda count, n=number: count == n + 1)
    await space.delete("last")
    await space.gone("last")
    await until(partial(_last_words, operator, slug), 20, lambda count: count == 4)


async def test_a_secret_that_a_container_prints_is_masked_also_after_a_restart(
    space: Space, operator: Operator
) -> None:
    token = "a-token-of-the-container"
    await space.secret("token", {"value": token}, "acme/teller")
    command = "while :; do echo the token is $TOKEN; sleep 0.1; done & exec perl /server.pl"
    telling = service(env=TOKEN_ENV, command=["sh", "-c", command])
    await space.create("teller", {"source": space.source("acme/teller"), "services": [telling]})
    slug = (await space.ready("teller")).status["slug"]
    for _ in range(2):
        before = len(await operator.logbook.entries(slug))
        with operator.restarted():
            await until(
                partial(operator.logbook.entries, slug), 20, lambda all_, n=before: len(all_) > n + 10
            )
    text = await operator.logbook.text(slug)
    assert f"the token is {MASK}" in text
    assert token not in text


async def test_a_slug_that_is_used_again_begins_a_log_of_its_own(space: Space, operator: Operator) -> None:
    source = space.source(space.repository().name)
    spec = {"source": source, "services": [service()]}
    for _ in range(2):
        await space.create("again", spec)
        slug = (await space.ready("again")).status["slug"]
        await space.delete("again")
        await space.gone("again")
    heads = [head for head in await operator.logbook.heads() if head.preview_id == slug]
    assert len({head.key.incarnation for head in heads}) == 2
    assert {head.first for head in heads} == {1}


async def test_what_a_hostile_container_prints_is_kept_as_text(space: Space, operator: Operator) -> None:
    odd = r"printf 'red \033[31mred\033[0m\nold\rnew\nbroken \377 byte\n<script>alert(1)</script>\n\000nul\n'"
    command = f"{odd}; head -c 40000 /dev/zero | tr '\\0' x; echo; exec perl /server.pl"
    await space.create(
        "odd", {"source": space.source(), "services": [service(command=["sh", "-c", command])]}
    )
    slug = (await space.ready("odd")).status["slug"]
    found = await until(
        partial(operator.logbook.entries, slug, LogType.CONTAINER), 20, lambda found: len(found) >= 7
    )
    messages = [one.message for one in found]
    assert messages[:5] == [
        "red \x1b[31mred\x1b[0m",
        "old\rnew",
        "broken \ufffd byte",  # so the engine itself writes it into its file
        "<script>alert(1)</script>",
        "\x00nul",
    ]
    assert messages[5].startswith("xxxx") and len(messages[5].encode()) <= 16 * 1024
    assert messages[5].endswith("[…cut]")


@pytest.fixture
async def mongodb(space: Space) -> AsyncIterator[str]:
    """The URL of a database of its own, gone afterwards."""
    parts = urlsplit(space.env["MONGODB_URL"])
    name = f"logs_{secrets.token_hex(4)}"
    yield urlunsplit(parts._replace(path=f"/{name}"))
    async with AsyncMongoClient[dict[str, object]](space.env["MONGODB_URL"]) as client:
        await client.drop_database(name)


async def test_the_store_may_be_a_mongodb(space: Space, operator: Operator, mongodb: str) -> None:
    repository, logbook = space.repository(), Logbook({"LOG_STORE_URL": mongodb})
    tree = files(lines=("RUN echo said while building",), database=True)
    with operator.restarted(LOG_STORE_URL=mongodb):
        await space.create("whole", {"source": space.source(repository, repository.commit(tree))})
        slug = (await space.ready("whole")).status["slug"]
        wanted = set(LogType)
        await until(partial(logbook.entries, slug), 20, lambda all_: {one.type for one in all_} >= wanted)
        await space.delete("whole")
        await space.gone("whole")
        await until(partial(logbook.text, slug), 20, lambda text: "done: retire" in text)
    lines = await logbook.lines(slug)
    assert sorted(line.sequence for line in lines) == list(range(1, len(lines) + 1))


async def _entries(operator: Operator, slug: str) -> tuple[LogEntry, ...]:
    return await operator.logbook.entries(slug, LogType.CONTAINER)


async def _numbers(operator: Operator, slug: str) -> list[int]:
    found = (one.message.removeprefix("number ") for one in await _entries(operator, slug))
    return [int(text) for text in found if text.isdigit()]


async def _last_words(operator: Operator, slug: str) -> int:
    return sum(one.message == "the very last words" for one in await _entries(operator, slug))
