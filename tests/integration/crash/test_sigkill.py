"""The operator is killed before and after every action of a create, an update and a delete; what comes of it
is what an undisturbed run leaves.

CRASH_POINTS=all tries every moment, a number that many, and "update 5, delete 7" these two; CRASH_SEED
repeats a draw.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.integration.crash.lifetime import Lifetimes
from tests.integration.crash.points import Flow, Point, all_points, drawn, lives
from tests.integration.operator.api import Api
from tests.integration.operator.engine import Engine
from tests.integration.operator.space import Space

SAMPLE = "4"


@pytest.mark.timeout(3000)
async def test_killed_at_any_moment_the_next_operator_ends_where_an_undisturbed_one_does(
    api: Api,
    engine: Engine,
    env: Mapping[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def say(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n  {text}")
            sys.stdout.flush()

    space = Space(api, engine, env, f"crash-{secrets.token_hex(4)}")
    await space.open()
    lifetimes = Lifetimes(space, tmp_path)
    lifetimes.operator.start()
    try:
        expected, moments = await lifetimes.undisturbed()
        assert [len(expected[flow]["containers"]) for flow in Flow] == [2, 2, 0], expected
        points, how = chosen(all_points(moments))
        say(how)
        wrong: list[str] = []
        for life in lives(points):
            found = await lifetimes.killed(life, expected)
            wrong += found
            say("; ".join([f"{point}" for point in life.values()]) + (": DIFFERENT" if found else ": same"))
        assert not wrong, "\n".join(wrong)
    finally:
        sys.stdout.write(lifetimes.operator.tail())
        await lifetimes.close()


def chosen(points: list[Point]) -> tuple[list[Point], str]:
    """The points that the environment asks for, and how to get the same ones again."""
    asked = os.environ.get("CRASH_POINTS", SAMPLE)
    if asked == "all":
        return points, f"all of {len(points)} moments"
    if not asked.isdigit():
        named = {name.strip() for name in asked.split(",")}
        return [point for point in points if f"{point.flow} {point.number}" in named], f"moments {asked}"
    seed = int(os.environ.get("CRASH_SEED") or secrets.randbelow(1_000_000))
    return drawn(points, int(asked), seed), f"{asked} of {len(points)} moments, CRASH_SEED={seed}"
