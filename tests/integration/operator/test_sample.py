"""The sample of this repository, from a commit to its page, and its updates under load."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.integration.operator.polling import until
from tests.integration.operator.space import Repository, Space, visit
from tests.integration.routing.load import Load, load

SHOP = Path(__file__).parents[3] / "examples" / "shop"
UPDATES = 5
REQUESTS = 20_000
LOAD_SECONDS = 240


def _shop(**env: str) -> dict[str, bytes]:
    """The sample's files, with variables for its page."""
    tree = {str(path.relative_to(SHOP)): path.read_bytes() for path in SHOP.rglob("*") if path.is_file()}
    preview = yaml.safe_load(tree["preview.yaml"])
    preview["services"]["web"]["env"] |= env
    tree["preview.yaml"] = json.dumps(preview).encode()
    return {path: content for path, content in tree.items() if "__pycache__" not in path}


def _commit(repository: Repository, tree: Mapping[str, bytes], number: int) -> str:
    """A commit that changes a line of the page."""
    page = tree["web.py"].replace(b'"""The shop', f'"""No. {number}: the shop'.encode(), 1)
    return repository.commit({**tree, "web.py": page})


async def test_the_sample_shows_migrated_rows_at_its_url(space: Space) -> None:
    repository = space.repository()
    commit = repository.commit(_shop())
    await space.create("shop", {"source": space.source(repository, commit)})
    seen = await space.ready("shop", 240)
    answer = await visit(seen.status["url"])
    assert answer.status == 200
    assert commit[:12] in answer.body
    (database,) = space.engine.databases(seen.status["slug"])
    rows = space.engine.sql("SELECT name FROM available_products ORDER BY name", database)
    assert rows
    assert [name for name in rows if name not in answer.body] == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("end", ["finishes", "dies"])
async def test_five_updates_in_a_row_lose_no_request(space: Space, end: str) -> None:
    """One that finishes open requests on SIGTERM, and one that does not."""
    repository = space.repository()
    tree = _shop(START_DELAY="3", **({"DIE_AT_ONCE": "1"} if end == "dies" else {}))
    await space.create("shop", {"source": space.source(repository, _commit(repository, tree, 0))})
    url = (await space.ready("shop", 240)).status["url"]
    host, _, port = url.removeprefix("http://").rpartition(":")
    enough = REQUESTS if end == "finishes" else REQUESTS // 4
    began = time.monotonic()
    async with load(int(port), host) as seen:
        for number in range(1, UPDATES + 1):
            commit = _commit(repository, tree, number)
            await space.push("shop", commit)
            await space.ready("shop", 120)
            await until(lambda c=commit[:12]: _shown(seen, c), 10)
        await until(lambda: seen.requests >= enough, LOAD_SECONDS)
    seconds = time.monotonic() - began
    sys.stdout.write(
        f"{end}: {len(seen.failures)} of {seen.requests} requests failed during {UPDATES} updates in "
        f"{seconds:.0f} s; the slowest took {seen.slowest:.2f} s\n"
    )
    assert seen.failures == []


def _shown(seen: Load, commit: str) -> bool:
    """Some visitor saw this commit's page."""
    return any(commit in body for body in seen.answers)
