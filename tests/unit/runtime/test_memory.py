"""What only the twin can do: behaviours, by-hand changes, and costs that do not grow with the fleet."""

import asyncio

import pytest

from controller.api.errors import BackendUnavailable, Conflict
from controller.api.names import PreviewKey
from controller.runtime.memory import MemoryRuntime
from controller.runtime.memory_engine import MemoryEngine
from controller.runtime.memory_model import CRASHES, NEVER_LISTENS, OUT_OF_MEMORY, Behaviour, image_info
from controller.runtime.protocol import InstanceSpec, InstanceState, JobResult, JobSpec, RouteSpec

KEY = PreviewKey("default", "shop")


def spec(key: PreviewKey = KEY, image: str = "shop:1", config: str = "a" * 8) -> InstanceSpec:
    return InstanceSpec(
        name=f"{key.name}-web-{config}",
        preview=key,
        slug=key.name,
        repository="acme/shop",
        pull_request=1,
        service="web",
        revision=config,
        config_hash=config,
        commit="c" * 40,
        image=image,
        port=8080,
        route=RouteSpec(f"{key.name}-web", f"{key.name}.localhost", public=True),
        network=None,
    )


def runtime(behaviour: Behaviour | None = None) -> MemoryRuntime:
    made = MemoryRuntime(behaviours={"shop:1": behaviour} if behaviour else None)
    made.add_image(image_info("shop:1"))
    return made


async def test_behaviours_decide_whether_an_instance_gets_ready() -> None:
    for behaviour, state in (
        (Behaviour(), InstanceState.RUNNING),
        (NEVER_LISTENS, InstanceState.RUNNING),
        (CRASHES, InstanceState.RESTARTING),
        (OUT_OF_MEMORY, InstanceState.RESTARTING),
    ):
        made = runtime(behaviour)
        await made.start(spec())
        (instance,) = (await made.observe(KEY)).instances
        assert instance.state is state
        assert instance.out_of_memory is (behaviour is OUT_OF_MEMORY)
        assert made.ready(instance.name) is (behaviour == Behaviour())


async def test_a_slow_start_refuses_a_counted_number_of_probes() -> None:
    made = runtime(Behaviour(refusals=2))
    await made.start(spec())
    assert [made.ready(spec().name) for _ in range(3)] == [False, False, True]


async def test_a_kill_by_hand_is_seen_told_and_resumed() -> None:
    made = runtime()
    await made.start(spec())
    events = made.watch()
    assert await anext(events) is None
    made.engine.kill(spec().name)
    assert await anext(events) == KEY
    (instance,) = (await made.observe(KEY)).instances
    assert (instance.state, instance.exit_code) == (InstanceState.EXITED, 137)
    await made.resume(spec().name)
    assert made.ready(spec().name)


async def test_a_foreign_container_is_a_conflict_and_stays() -> None:
    made = runtime()
    made.engine.hold_container(spec().name)
    with pytest.raises(Conflict):
        await made.start(spec())
    await made.remove(spec().name)
    assert spec().name in made.engine.containers


async def test_the_switch_takes_every_call_down() -> None:
    made = runtime()
    made.engine.unavailable = True
    for call in (
        made.check(),
        made.observe(KEY),
        made.survey(),
        made.start(spec()),
        made.stop("x", 1),
        made.image("shop:1"),
    ):
        with pytest.raises(BackendUnavailable):
            await call


async def test_a_survey_tells_changed_previews_from_quiet_ones() -> None:
    made = runtime()
    keys = [PreviewKey("default", f"p{number}") for number in range(1000)]
    for key in keys:
        await made.start(spec(key))
    before = await made.survey()
    made.engine.kill(spec(keys[7]).name)
    after = await made.survey()
    assert {key for key in keys if before[key] != after[key]} == {keys[7]}
    await made.remove(spec(keys[7]).name)
    assert keys[7] not in await made.survey()


async def test_a_cancelled_job_leaves_nothing_and_a_left_one_is_cleaned_up() -> None:
    made = runtime()
    made.job = lambda job: JobResult(3, ("no such table",))
    job = JobSpec("job-1", KEY, "shop", "shop:1", ("migrate",))
    lines: list[str] = []
    assert (await made.run_job(job, lines.append)).exit_code == 3
    assert lines == ["no such table"]
    made.job_gate = asyncio.Event()
    task = asyncio.create_task(made.run_job(job, lines.append))
    await asyncio.sleep(0)
    assert "job-1" in made.engine.jobs
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not made.engine.jobs
    made.engine.jobs["job-2"] = (made.installation, job)
    assert KEY in await made.survey()
    await made.cleanup_jobs(KEY)
    assert not made.engine.jobs


async def test_two_installations_on_one_engine_do_not_see_each_other() -> None:
    engine = MemoryEngine()
    one, two = MemoryRuntime("one", engine=engine), MemoryRuntime("two", engine=engine)
    one.add_image(image_info("shop:1"))
    await one.start(spec())
    assert not await two.survey()
    await two.stop(spec().name, 1)
    await two.remove(spec().name)
    assert one.ready(spec().name)
    with pytest.raises(Conflict):
        await two.start(spec())
