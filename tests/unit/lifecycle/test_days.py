"""Days of previews in seconds: the real operator on twins, from the first request to the end."""

from __future__ import annotations

from dataclasses import replace

from controller.api.conditions import find, is_true
from controller.api.limits import LimitPolicy
from controller.api.names import KEEP_UNTIL, PIN, REDEPLOY, SLEEP, WAKE
from controller.api.status import ConditionType, Phase
from controller.lifecycle.rules import LifecycleRules, Limit
from tests.unit.core.world import COMMIT_B
from tests.unit.lifecycle.fleet_world import ONE_PASS, STORING, LifeWorld, Stretch

RULES = LifecycleRules()


async def test_one_that_nobody_uses_sleeps_after_two_hours_and_is_gone_after_two_days() -> None:
    world = LifeWorld(RULES)
    async with world.operator():
        key = world.open(1, repository=STORING)
        await world.pass_hours(1.9)
        assert world.phases() == {"pr-1": "Running"}
        await world.pass_hours(0.2)
        assert world.phases() == {"pr-1": "Sleeping"} and not world.running()
        assert world.postgres.server.databases, "it keeps its database"
        await world.pass_hours(45.7)
        assert world.phases() == {"pr-1": "Sleeping"}
        await world.pass_hours(0.4)
        assert world.phases() == {"pr-1": "Expired"}
        assert await world.held() == {} and not world.postgres.server.databases
        assert find(world.status(key).conditions, ConditionType.READY) is None


async def test_visits_keep_it_awake_and_the_last_one_is_written_down() -> None:
    world = LifeWorld(RULES)
    async with world.operator():
        key = world.open(1)
        for _ in range(5):
            await world.pass_hours(1.5)
            assert world.visit(key)
        await world.pass_hours(1)
        assert world.phases() == {"pr-1": "Running"}
        accessed = world.status(key).last_accessed_time
        assert accessed is not None and (world.clock.now() - accessed).total_seconds() <= 3600


async def test_the_next_request_wakes_it_and_it_serves_as_before() -> None:
    world = LifeWorld(RULES)
    async with world.operator():
        key = world.open(1)
        await world.pass_hours(3)
        before = world.status(key)
        assert not world.visit(key)
        await world.clock.advance(5)
        after = world.status(key)
        assert after.phase is Phase.RUNNING and world.visit(key)
        assert (after.commit, after.url) == (before.commit, before.url)
        await world.pass_hours(1.9)
        assert world.phases() == {"pr-1": "Running"}, "being woken counts as a use"


async def test_a_push_wakes_one_that_sleeps_and_brings_back_one_that_expired() -> None:
    world = LifeWorld(replace(RULES, ttl=None))
    async with world.operator():
        key = world.open(1, repository=STORING)
        await world.pass_hours(3)
        world.open(1, COMMIT_B, STORING)
        await world.clock.advance(30)
        assert world.status(key).commit == COMMIT_B
        await world.pass_hours(49)
        assert world.phases() == {"pr-1": "Expired"}
        world.wish_now(key, REDEPLOY)
        await world.clock.advance(30)
        assert world.phases() == {"pr-1": "Running"} and world.postgres.server.databases
        await world.pass_hours(1.9)
        assert world.phases() == {"pr-1": "Running"}


async def test_a_wish_to_wake_brings_an_expired_one_back() -> None:
    world = LifeWorld(RULES)
    async with world.operator():
        key = world.open(1)
        await world.pass_hours(49)
        world.wish_now(key, WAKE)
        await world.clock.advance(30)
        assert world.phases() == {"pr-1": "Running"} and world.visit(key)


async def test_a_ttl_is_warned_of_an_hour_before_and_ends_even_one_in_use() -> None:
    world = LifeWorld(RULES)
    async with world.operator():
        key = world.open(1, lifecycle={"ttl": "6h"})
        for _ in range(4):
            await world.pass_hours(1.2)
            world.visit(key)
        assert not is_true(world.status(key).conditions, ConditionType.EXPIRING)
        await world.pass_hours(0.3)
        status = world.status(key)
        assert is_true(status.conditions, ConditionType.EXPIRING) and status.phase is Phase.RUNNING
        assert status.expires_time is not None
        assert (status.expires_time - world.clock.now()).total_seconds() == 0.9 * 3600
        await world.pass_hours(0.8)
        assert world.phases() == {"pr-1": "Running"}
        await world.pass_hours(0.2)
        assert world.phases() == {"pr-1": "Expired"}
        world.wish_now(key, REDEPLOY)
        await world.pass_hours(1)
        assert world.phases() == {"pr-1": "Running"}, "its time counts anew"


async def test_who_is_kept_until_later_is_not_warned_of_a_time_that_no_longer_holds() -> None:
    world = LifeWorld(RULES)
    async with world.operator():
        key = world.open(1, lifecycle={"ttl": "2h", "sleepAfter": "9h"})
        await world.pass_hours(1.5)
        assert is_true(world.status(key).conditions, ConditionType.EXPIRING)
        world.annotate(KEEP_UNTIL.partition("/")[2], "2026-01-01T05:00:00Z", key)
        await world.clock.advance(10)
        assert not is_true(world.status(key).conditions, ConditionType.EXPIRING)
        await world.pass_hours(3.4)
        assert world.phases() == {"pr-1": "Running"}
        await world.pass_hours(0.2)
        assert world.phases() == {"pr-1": "Expired"}


async def test_a_pinned_one_outlives_all_times_until_it_is_unpinned() -> None:
    world = LifeWorld(RULES)
    async with world.operator():
        key = world.open(1, lifecycle={"ttl": "5h"})
        world.wish_now(key, PIN)
        await world.pass_hours(60)
        assert world.phases() == {"pr-1": "Running"}
        del world.cluster.bodies[key]["metadata"]["annotations"][PIN]
        world.cluster.told("MODIFIED", key)
        await world.clock.advance(30)
        assert world.phases() == {"pr-1": "Expired"}


async def test_one_that_is_put_to_sleep_by_hand_sleeps_and_the_next_request_wakes_it() -> None:
    world = LifeWorld(RULES)
    async with world.operator():
        key = world.open(1)
        await world.pass_hours(0.5)
        world.wish_now(key, SLEEP)
        await world.clock.advance(30)
        assert world.phases() == {"pr-1": "Sleeping"} and not world.running()
        world.visit(key)
        await world.clock.advance(30)
        assert world.phases() == {"pr-1": "Running"}


async def test_ten_that_open_at_once_come_in_turn_within_the_limit() -> None:
    world = LifeWorld(replace(RULES, everything=Limit(previews=3), policy=LimitPolicy.QUEUE))
    over = Stretch(world.clock, lambda: len(world.running()) > 3)
    async with world.operator():
        keys = [world.open(number) for number in range(10, 20)]
        await world.pass_hours(0.1)
        assert [world.status(key).phase for key in keys[:3]] == [Phase.RUNNING] * 3
        places = [(world.status(key).queue_position, world.status(key).queue_length) for key in keys[3:]]
        assert places == [(place, 7) for place in range(1, 8)]
        await world.pass_hours(2.1)
        assert [world.status(key).phase for key in keys[:7]] == [Phase.SLEEPING] * 3 + [Phase.RUNNING] * 3 + [
            Phase.QUEUED
        ]
        await world.pass_hours(8)
        assert world.in_phase(Phase.QUEUED) == []
        assert all(world.status(key).commit is not None for key in keys), "each had its turn"
    assert over.longest <= ONE_PASS, "and only while one stops as the next one starts"


async def test_who_waits_is_told_in_turn_when_one_before_it_goes() -> None:
    world = LifeWorld(replace(RULES, everything=Limit(previews=1), policy=LimitPolicy.QUEUE))
    async with world.operator():
        keys = [world.open(number) for number in range(1, 5)]
        await world.pass_hours(0.1)
        world.delete(keys[1])
        await world.clock.advance(30)
        places = [(world.status(key).queue_position, world.status(key).queue_length) for key in keys[2:]]
        assert places == [(1, 2), (2, 2)]
        world.delete(keys[0])
        await world.clock.advance(30)
        assert world.phases() == {"pr-3": "Running", "pr-4": "Queued"}


async def test_one_that_is_closed_and_opened_again_at_once_waits_its_turn() -> None:
    world = LifeWorld(replace(RULES, everything=Limit(previews=1), policy=LimitPolicy.QUEUE))
    async with world.operator():
        first = world.open(1)
        world.open(2)
        await world.clock.advance(world.resync + 10)
        assert world.phases() == {"pr-1": "Running", "pr-2": "Queued"}
        world.delete(first)
        await world.clock.advance(30)
        world.open(1)
        await world.clock.advance(30)
        assert world.phases() == {"pr-1": "Queued", "pr-2": "Running"}


async def test_over_the_limit_the_longest_unused_makes_room_and_a_wake_obeys_the_same() -> None:
    world = LifeWorld(replace(RULES, everything=Limit(previews=2)))
    async with world.operator():
        first, second = world.open(1), world.open(2)
        await world.pass_hours(0.5)
        world.visit(first)
        await world.pass_hours(0.5)
        world.open(3)
        await world.clock.advance(60)
        assert world.phases() == {"pr-1": "Running", "pr-2": "Sleeping", "pr-3": "Running"}
        world.visit(second)
        await world.clock.advance(60)
        assert world.phases() == {"pr-1": "Sleeping", "pr-2": "Running", "pr-3": "Running"}


async def test_a_new_operator_lets_run_what_runs_and_sleep_what_sleeps() -> None:
    world = LifeWorld(replace(RULES, everything=Limit(previews=2), policy=LimitPolicy.QUEUE))
    async with world.operator():
        for number in range(1, 5):
            world.open(number)
        await world.pass_hours(0.1)
        before = world.phases()
    world.clock.jump(3600)
    writes = world.cluster.writes
    async with world.operator():
        await world.clock.advance(60)
        assert world.phases() == before
        assert len(world.running()) == 2
    assert world.cluster.writes - writes <= 2, "and writes nothing much"


async def test_while_the_proxy_does_not_answer_nothing_sleeps() -> None:
    world = LifeWorld(RULES)
    async with world.operator():
        world.open(1)
        world.access.unavailable = True
        await world.pass_hours(60)
        assert world.phases() == {"pr-1": "Running"}
        world.access.unavailable = False
        await world.pass_hours(1)
        assert world.phases() == {"pr-1": "Expired"}


async def test_of_more_asleep_than_may_sleep_the_longest_asleep_expires() -> None:
    world = LifeWorld(replace(RULES, max_sleeping=2))
    async with world.operator():
        for number in range(1, 4):
            world.open(number)
            await world.pass_hours(0.5)
        await world.pass_hours(3)
        assert world.phases() == {"pr-1": "Expired", "pr-2": "Sleeping", "pr-3": "Sleeping"}


async def test_a_cluster_restored_without_its_previews_loses_nothing() -> None:
    world = LifeWorld(RULES)
    async with world.operator():
        for number in range(1, 4):
            world.open(number, repository=STORING)
        await world.pass_hours(0.1)
    kept = dict(world.cluster.bodies)
    world.cluster.bodies.clear()
    before = await world.held()
    async with world.operator():
        await world.pass_hours(2)
        assert await world.held() == before and len(before) == 3
    world.cluster.bodies.update(kept)
    async with world.operator():
        await world.pass_hours(0.1)
        assert set(world.phases().values()) == {"Running"}
