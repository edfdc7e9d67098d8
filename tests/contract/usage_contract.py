"""What holds wherever use is measured: who is measured, what is counted, and when it begins anew."""

from __future__ import annotations

import asyncio

from tests.contract.place import eventually
from tests.contract.usage_place import UsagePlace

MEGABYTE = 1024 * 1024


class UsageContract:
    """Needs a fixture `at` that gives a UsagePlace."""

    async def test_one_that_runs_holds_memory_below_its_limit(self, at: UsagePlace) -> None:
        spec = at.place.spec(at.place.web)
        await at.place.runtime.start(spec)
        sample = await at.until("web", lambda found: found.memory_bytes > MEGABYTE // 8)
        assert (sample.slug, sample.service) == (spec.slug, "web")
        assert sample.memory_limit_bytes == spec.memory_bytes
        assert sample.memory_bytes < spec.memory_bytes

    async def test_cpu_time_grows_with_what_is_computed(self, at: UsagePlace) -> None:
        spec = at.place.spec(at.place.web)
        await at.place.runtime.start(spec)
        before = await at.until("web", lambda found: True)
        await at.compute(spec.name)
        after = await at.until("web", lambda found: found.cpu_seconds >= before.cpu_seconds + 0.2)
        assert after.identity == before.identity
        assert after.at > before.at

    async def test_cpu_time_begins_anew_with_the_process(self, at: UsagePlace) -> None:
        spec = at.place.spec(at.place.web)
        await at.place.runtime.start(spec)
        await at.compute(spec.name)
        before = await at.until("web", lambda found: found.cpu_seconds >= 0.2)
        await at.place.runtime.stop(spec.name, 5)
        await at.place.runtime.resume(spec.name)
        await at.until("web", lambda found: found.cpu_seconds < before.cpu_seconds)

    async def test_what_does_not_run_is_left_out(self, at: UsagePlace) -> None:
        stopped, created = at.place.spec(at.place.web, service="api"), at.place.spec(at.place.web)
        await at.place.runtime.create(created)
        await at.place.runtime.start(stopped)
        assert [sample.service for sample in await at.usage.sample()] == ["api"]
        await at.place.runtime.stop(stopped.name, 5)
        assert await at.usage.sample() == ()

    async def test_services_of_several_are_told_apart(self, at: UsagePlace) -> None:
        specs = [at.place.spec(at.place.web, service=name) for name in ("web", "api", "worker")]
        await asyncio.gather(*(at.place.runtime.start(spec) for spec in specs))
        found = await at.usage.sample()
        assert sorted(sample.service for sample in found) == ["api", "web", "worker"]
        assert len({sample.identity for sample in found}) == 3

    async def test_jobs_and_what_is_anothers_are_left_out(self, at: UsagePlace) -> None:
        await at.place.runtime.start(at.place.spec(at.place.web))
        job = asyncio.create_task(
            at.place.runtime.run_job(at.place.job_spec(at.place.endless), lambda line: None)
        )
        try:
            await eventually(lambda: _one_job(at))
            assert [sample.service for sample in await at.usage.sample()] == ["web"]
            assert await at.stranger.sample() == ()
        finally:
            job.cancel()
            await asyncio.gather(job, return_exceptions=True)


async def _one_job(at: UsagePlace) -> bool:
    return await at.place.hand.jobs() == 1
