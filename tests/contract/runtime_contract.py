"""What every runtime must do; a fixture `place` gives one, and somebody at the engine's own command line."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from controller.api.errors import Conflict, InvalidSpec, NotReady
from controller.runtime.protocol import (
    InstanceState,
)
from tests.contract.place import BLOG, COMMIT, SHOP, Place, Program, eventually


class RuntimeContract:
    """Give a fixture `place`."""

    async def test_a_started_instance_is_observed_as_it_was_asked_for(self, place: Place) -> None:
        spec = place.spec(place.web, network=place.network().name)
        await place.runtime.check()
        await place.runtime.create_network(place.network())
        await place.runtime.start(spec)
        state = await place.runtime.observe(SHOP)
        (instance,) = state.instances
        assert (instance.name, instance.preview, instance.slug) == (spec.name, SHOP, spec.slug)
        assert (instance.service, instance.revision) == ("web", "r1")
        assert (instance.config_hash, instance.commit, instance.image) == (
            spec.config_hash,
            COMMIT,
            place.web.image,
        )
        assert instance.state is InstanceState.RUNNING
        assert (instance.restarts, instance.exit_code, instance.out_of_memory) == (0, None, False)
        assert instance.networks == {place.network().name}
        assert instance.proxied
        assert instance.route == spec.route
        assert instance.started_at is not None and instance.started_at.tzinfo is not None
        (network,) = state.networks
        assert (network.name, network.preview, network.revision) == (place.network().name, SHOP, "r1")
        assert await place.runtime.observe(BLOG) == type(state)()

    async def test_everything_may_be_asked_for_twice(self, place: Place) -> None:
        spec = place.spec(place.web, network=place.network().name)
        for _ in range(2):
            await place.runtime.create_network(place.network())
        for _ in range(2):
            await place.runtime.start(spec)
        first = await place.runtime.observe(SHOP)
        for _ in range(2):
            await place.runtime.attach(spec.name, place.network().name, "web")
            await place.runtime.resume(spec.name)
        assert await place.runtime.observe(SHOP) == first
        for _ in range(2):
            await place.runtime.stop(spec.name, 1)
        (stopped,) = (await place.runtime.observe(SHOP)).instances
        assert stopped.state is InstanceState.EXITED
        for _ in range(2):
            await place.runtime.remove(spec.name)
            await place.runtime.remove_network(place.network().name)
            await place.runtime.remove_image("previewcloud/nothing/web:here")
            await place.runtime.cleanup_jobs(SHOP)
        state = await place.runtime.observe(SHOP)
        assert (state.instances, state.networks) == ((), ())
        assert await place.runtime.tail(spec.name, 5) == ()
        assert await place.runtime.listening_ports(spec.name) == frozenset()

    async def test_a_created_instance_waits_until_it_is_started(self, place: Place) -> None:
        spec = place.spec(place.web, network=place.network().name)
        await place.runtime.create_network(place.network())
        for _ in range(2):
            await place.runtime.create(spec)
        (instance,) = (await place.runtime.observe(SHOP)).instances
        assert (instance.state, instance.started_at) == (InstanceState.CREATED, None)
        assert (instance.networks, instance.proxied) == (frozenset({place.network().name}), True)
        await place.runtime.resume(spec.name)
        (instance,) = (await place.runtime.observe(SHOP)).instances
        assert instance.state is InstanceState.RUNNING
        await place.runtime.create(spec)
        assert (await place.runtime.observe(SHOP)).instances == (instance,)

    async def test_a_stopped_instance_is_resumed_and_a_missing_one_is_not(self, place: Place) -> None:
        spec = place.spec(place.web)
        await place.runtime.start(spec)
        await place.runtime.stop(spec.name, 1)
        await place.runtime.resume(spec.name)
        (instance,) = (await place.runtime.observe(SHOP)).instances
        assert instance.state is InstanceState.RUNNING
        await place.runtime.remove(spec.name)
        with pytest.raises(NotReady):
            await place.runtime.resume(spec.name)
        with pytest.raises(NotReady):
            await place.runtime.attach(spec.name, place.network().name, "web")

    async def test_a_crash_loop_shows_its_exit_code_and_its_last_lines(self, place: Place) -> None:
        spec = place.spec(place.crash)
        await place.runtime.start(spec)

        async def crashing() -> bool:
            (instance,) = (await place.runtime.observe(SHOP)).instances
            return (
                instance.state is InstanceState.RESTARTING
                and instance.restarts > 1
                and instance.exit_code == 1
            )

        await eventually(crashing)
        assert (await place.runtime.tail(spec.name, 1)) == ("fatal: cannot start",)

    async def test_running_out_of_memory_is_told_from_a_crash(self, place: Place) -> None:
        await place.runtime.start(place.spec(place.hungry))

        async def starved() -> bool:
            (instance,) = (await place.runtime.observe(SHOP)).instances
            return instance.out_of_memory and instance.exit_code == 137

        await eventually(starved)

    async def test_the_ports_that_are_listened_on_are_known(self, place: Place) -> None:
        web, deaf = place.spec(place.web), place.spec(place.deaf, service="deaf")
        await place.runtime.start(web)
        await place.runtime.start(deaf)

        async def listens() -> bool:
            return await place.runtime.listening_ports(web.name) == {8080}

        await eventually(listens)
        assert await place.runtime.listening_ports(deaf.name) == frozenset()
        assert len((await place.runtime.observe(SHOP)).instances) == 2

    async def test_a_kill_by_hand_shows_in_observe_survey_and_events(self, place: Place) -> None:
        spec = place.spec(place.web)
        other = place.spec(place.web, BLOG)
        await place.runtime.start(spec)
        await place.runtime.start(other)
        before = await place.runtime.survey()
        assert await place.runtime.survey() == before
        assert set(before) == {SHOP, BLOG}
        async with aclosing(place.runtime.watch()) as events:  # type: ignore[type-var]
            assert await anext(events) is None
            await place.hand.kill(spec.name)
            assert await asyncio.wait_for(anext(events), 10) == SHOP

        async def exited() -> bool:
            (instance,) = (await place.runtime.observe(SHOP)).instances
            return (instance.state, instance.exit_code) == (InstanceState.EXITED, 137)

        await eventually(exited)
        after = await place.runtime.survey()
        assert after[SHOP] != before[SHOP]
        assert after[BLOG] == before[BLOG]

    async def test_a_removal_by_hand_is_told_and_repaired_by_the_same_start(self, place: Place) -> None:
        spec = place.spec(place.web)
        await place.runtime.start(spec)
        async with aclosing(place.runtime.watch()) as events:  # type: ignore[type-var]
            assert await anext(events) is None
            await place.hand.remove(spec.name)
            assert await asyncio.wait_for(anext(events), 10) == SHOP
        assert (await place.runtime.observe(SHOP)).instances == ()
        await place.runtime.start(spec)
        assert len((await place.runtime.observe(SHOP)).instances) == 1

    async def test_a_network_dropped_by_hand_is_told_and_repaired(self, place: Place) -> None:
        network = place.network()
        spec = place.spec(place.web, network=network.name)
        await place.runtime.create_network(network)
        await place.runtime.start(spec)
        before = (await place.runtime.survey())[SHOP]
        async with aclosing(place.runtime.watch()) as events:  # type: ignore[type-var]
            assert await anext(events) is None
            await place.hand.drop_network(network.name)
            assert await asyncio.wait_for(anext(events), 10) == SHOP
        state = await place.runtime.observe(SHOP)
        assert (state.networks, state.instances[0].networks) == ((), frozenset())
        assert (await place.runtime.survey())[SHOP] != before
        with pytest.raises(NotReady):
            await place.runtime.attach(spec.name, network.name, "web")
        await place.runtime.create_network(network)
        await place.runtime.attach(spec.name, network.name, "web")
        (instance,) = (await place.runtime.observe(SHOP)).instances
        assert (instance.networks, instance.state) == (frozenset({network.name}), InstanceState.RUNNING)

    async def test_a_stopped_instance_gets_its_network_back_too(self, place: Place) -> None:
        network = place.network()
        spec = place.spec(place.web, network=network.name)
        await place.runtime.create_network(network)
        await place.runtime.start(spec)
        await place.runtime.stop(spec.name, 1)
        await place.hand.drop_network(network.name)
        await place.runtime.create_network(network)
        (instance,) = (await place.runtime.observe(SHOP)).instances
        assert (instance.networks, instance.proxied) == (frozenset(), True)
        await place.runtime.attach(spec.name, network.name, "web")
        await place.runtime.resume(spec.name)
        (instance,) = (await place.runtime.observe(SHOP)).instances
        assert (instance.networks, instance.state) == (frozenset({network.name}), InstanceState.RUNNING)

    async def test_a_network_is_removed_with_a_running_instance_on_it(self, place: Place) -> None:
        network = place.network()
        await place.runtime.create_network(network)
        await place.runtime.start(place.spec(place.web, network=network.name))
        await place.runtime.remove_network(network.name)
        state = await place.runtime.observe(SHOP)
        assert state.networks == ()
        assert (state.instances[0].networks, state.instances[0].state) == (frozenset(), InstanceState.RUNNING)

    async def test_an_instance_is_not_started_on_a_network_that_is_missing(self, place: Place) -> None:
        with pytest.raises(NotReady):
            await place.runtime.start(place.spec(place.web, network=place.network().name))

    async def test_what_another_installation_made_does_not_exist(self, place: Place) -> None:
        spec = place.spec(place.web, network=place.network().name)
        await place.runtime.create_network(place.network())
        await place.runtime.start(spec)
        assert await place.stranger.survey() == {}
        assert (await place.stranger.observe(SHOP)).instances == ()
        await place.stranger.stop(spec.name, 1)
        await place.stranger.remove(spec.name)
        await place.stranger.remove_network(place.network().name)
        state = await place.runtime.observe(SHOP)
        assert (len(state.networks), state.instances[0].state) == (1, InstanceState.RUNNING)
        with pytest.raises(Conflict):
            await place.stranger.start(spec)
        with pytest.raises(Conflict):
            await place.stranger.create_network(place.network())

    async def test_a_foreign_holder_of_a_name_is_a_conflict_and_left_alone(self, place: Place) -> None:
        spec = place.spec(place.web)
        await place.hand.hold_container(spec.name)
        await place.hand.hold_network(place.network().name)
        with pytest.raises(Conflict, match=spec.name):
            await place.runtime.start(spec)
        with pytest.raises(Conflict, match=place.network().name):
            await place.runtime.create_network(place.network())
        await place.runtime.remove(spec.name)
        await place.runtime.remove_network(place.network().name)
        assert await place.hand.exists(spec.name)
        assert await place.hand.exists(place.network().name)

    async def test_an_image_that_speaks_to_the_proxy_is_refused_before_a_container_exists(
        self, place: Place
    ) -> None:
        spec = place.spec(place.labelled)
        with pytest.raises(InvalidSpec, match="traefik") as refused:
            await place.runtime.start(spec)
        assert refused.value.reason == "ImageLabelRefused"
        assert not await place.hand.exists(spec.name)
        with pytest.raises(InvalidSpec):
            await place.runtime.run_job(place.job_spec(place.labelled), lambda _: None)

    async def test_an_image_that_is_not_there_is_the_users_to_correct(self, place: Place) -> None:
        assert await place.runtime.image("nobody/has-this:1") is None
        with pytest.raises(InvalidSpec) as refused:
            await place.runtime.start(place.spec(Program("nobody/has-this:1")))
        assert refused.value.reason == "ImageNotFound"

    async def test_a_job_gives_its_lines_and_exit_code_and_leaves_nothing(self, place: Place) -> None:
        lines: list[str] = []
        result = await place.runtime.run_job(place.job_spec(place.job(3)), lines.append)
        assert (result.exit_code, result.lines, lines) == (3, ("one", "two"), ["one", "two"])
        assert await place.hand.jobs() == 0

    async def test_a_cancelled_job_is_gone(self, place: Place) -> None:
        task = asyncio.create_task(place.runtime.run_job(place.job_spec(place.endless), lambda _: None))

        async def running() -> bool:
            return await place.hand.jobs() == 1

        await eventually(running)
        assert SHOP in await place.runtime.survey()
        assert (await place.runtime.observe(SHOP)).instances == ()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await place.hand.jobs() == 0
