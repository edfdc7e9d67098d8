"""What holds wherever containers print: which are read, all of their lines, and reading on after a break."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from controller.runtime.output import Stream
from tests.contract.output_place import KEY, OutputPlace, Reading, next_source
from tests.contract.place import COMMIT


class OutputContract:
    """Needs a fixture `at` that gives an OutputPlace."""

    async def test_what_runs_is_a_source_with_its_log_and_its_secrets(self, at: OutputPlace) -> None:
        spec = at.spec()
        await at.place.runtime.start(spec)
        async with aclosing(at.outputs.sources()) as sources:
            assert await next_source(sources) is None
            found = await next_source(sources)
            assert found is not None
            assert (found.name, found.key, found.slug, found.service) == (spec.name, KEY, spec.slug, "web")
            assert (found.commit, found.pull_request, found.running) == (COMMIT, 7, True)
            assert found.secrets == {"hunter22"}
            assert "hunter22" not in repr(found)
        assert await at.outputs.source(found.id) == await at.outputs.source(spec.name) == found

    async def test_what_starts_later_is_told_as_it_does(self, at: OutputPlace) -> None:
        async with aclosing(at.outputs.sources()) as sources:
            assert await next_source(sources) is None
            later = asyncio.create_task(next_source(sources))
            await at.place.runtime.start(at.spec())
            found = await later
            assert found is not None
            assert found.running

    async def test_what_has_no_log_or_is_anothers_is_left_out(self, at: OutputPlace) -> None:
        without = at.spec("api", incarnation="")
        await at.place.runtime.start(without)
        await at.place.runtime.start(at.spec())
        assert await at.outputs.source(without.name) is None
        async with aclosing(at.outputs.sources()) as sources:
            assert await next_source(sources) is None
            found = await next_source(sources)
            assert found is not None
            assert found.service == "web"
        assert await at.stranger.source(found.id) is None

    async def test_a_stopped_one_is_a_source_that_does_not_run(self, at: OutputPlace) -> None:
        spec = at.spec()
        await at.place.runtime.create(spec)
        found = await at.outputs.source(spec.name)
        assert found is not None
        assert not found.running
        reading = Reading()
        await reading.to_the_end(at.outputs, found.id)
        assert reading.lines == []

    async def test_lines_come_as_they_are_printed_and_end_with_the_process(self, at: OutputPlace) -> None:
        spec = at.spec()
        await at.place.runtime.start(spec)
        identity, reading = await at.identity(spec.name), Reading()
        await reading.until(at.outputs, identity, lambda: "listening" in reading.texts())
        await at.print(spec.name, "one", Stream.STDOUT)
        await at.print(spec.name, "oh", Stream.STDERR)
        following = asyncio.create_task(reading.to_the_end(at.outputs, identity))
        await at.print(spec.name, "two", Stream.STDOUT)
        await at.place.runtime.stop(spec.name, 5)
        await following
        assert reading.texts()[:3] == ["listening", "one", "two"]
        assert reading.texts(Stream.STDERR) == ["oh"]
        again = Reading()
        await again.to_the_end(at.outputs, identity)
        assert again.lines == reading.lines
        await reading.to_the_end(at.outputs, identity)
        assert again.lines == reading.lines, "nothing twice"

    async def test_carriage_returns_colours_and_empty_lines_survive(self, at: OutputPlace) -> None:
        spec = at.spec()
        await at.place.runtime.start(spec)
        wanted = ["50%\r100%", "\x1b[31mred\x1b[0m", "", "  indented", "naïve ✓"]
        for text in wanted:
            await at.print(spec.name, text, Stream.STDERR)
        identity, reading = await at.identity(spec.name), Reading()
        await reading.until(at.outputs, identity, lambda: "naïve ✓" in reading.texts(Stream.STDERR))
        assert reading.texts(Stream.STDERR) == wanted

    async def test_a_restart_is_told_and_read_on_without_a_double(self, at: OutputPlace) -> None:
        spec = at.spec()
        await at.place.runtime.start(spec)
        identity, reading = await at.identity(spec.name), Reading()
        await reading.until(at.outputs, identity, lambda: "listening" in reading.texts())
        await at.place.runtime.stop(spec.name, 5)
        await reading.to_the_end(at.outputs, identity)
        before = list(reading.lines)
        async with aclosing(at.outputs.sources()) as sources:
            assert await next_source(sources) is None
            stopped = await next_source(sources)
            again = asyncio.create_task(next_source(sources))
            await at.place.runtime.resume(spec.name)
            restarted = await again
        assert stopped is not None
        assert restarted is not None
        assert (stopped.running, restarted.running, restarted.id) == (False, True, identity)
        await reading.until(at.outputs, identity, lambda: len(reading.lines) > len(before))
        assert reading.lines[len(before)].text == "listening"

    async def test_one_that_is_gone_has_printed_nothing(self, at: OutputPlace) -> None:
        spec = at.spec()
        await at.place.runtime.start(spec)
        identity, reading = await at.identity(spec.name), Reading()
        await at.place.runtime.remove(spec.name)
        assert await at.outputs.source(identity) is None
        await reading.to_the_end(at.outputs, identity)
        assert reading.lines == []
