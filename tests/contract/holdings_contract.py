"""What every runtime must tell of things whose Preview may be gone; a fixture `place` gives one."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from controller.api.errors import NotReady
from controller.api.holdings import Holding, HoldingKind
from controller.api.names import PreviewKey
from tests.contract.place import BLOG, SHOP, Place, eventually

HOSTILE = ("", "/", "default", "a/b/c", "../../x/y", " ", "default/", "/shop")


class HoldingsContract:
    """Give a fixture `place`."""

    async def test_what_runs_is_told_and_what_has_stopped_is_not(self, place: Place) -> None:
        assert await place.runtime.occupied() == frozenset()
        shop, blog, crash = place.spec(place.web), place.spec(place.web, BLOG), PreviewKey("default", "crash")
        await place.runtime.start(shop)
        await place.runtime.start(blog)
        await place.runtime.start(place.spec(place.crash, crash))
        await place.runtime.create(place.spec(place.web, PreviewKey("default", "made")))
        assert await place.runtime.occupied() == {SHOP, BLOG, crash}
        assert await place.stranger.occupied() == frozenset()
        await place.runtime.stop(blog.name, 1)
        assert await place.runtime.occupied() == {SHOP, crash}

    async def test_everything_is_listed_with_its_installation_and_its_preview(self, place: Place) -> None:
        await _everything(place)
        found = await _of(place)
        assert found == await _of(place, place.stranger)  # whoever asks
        assert {(each.kind, each.name) for each in found} == set(_names(place).items())
        assert {(each.installation, each.preview) for each in found} == {(place.installation, SHOP)}

    async def test_a_throwaway_container_is_listed_while_it_runs(self, place: Place) -> None:
        task = asyncio.create_task(place.runtime.run_job(place.job_spec(place.endless), lambda _: None))

        async def listed() -> bool:
            return [each.kind for each in await _of(place)] == [HoldingKind.JOB]

        await eventually(listed)
        assert await place.runtime.occupied() == frozenset()
        (job,) = await _of(place)
        await place.runtime.discard(job)
        assert await _of(place) == []
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await place.hand.jobs() == 0

    async def test_each_piece_is_removed_alone_and_twice_is_once(self, place: Place) -> None:
        await _everything(place)
        for kind, name in _names(place).items():
            before = await _of(place)
            (holding,) = [each for each in before if each.kind is kind]
            await place.runtime.discard(holding)
            left = [each for each in before if each != holding]
            assert {each.name for each in await _of(place)} == {each.name for each in left}, name
            await place.runtime.discard(holding)
        assert await _of(place) == []

    async def test_what_is_not_ours_or_not_that_previews_is_left(self, place: Place) -> None:
        await _everything(place)
        found = await _of(place)
        for holding in found:
            await place.stranger.discard(holding)
            await place.stranger.discard(replace(holding, installation=f"{place.installation}x"))
            await place.runtime.discard(replace(holding, preview=BLOG))
            await place.runtime.discard(replace(holding, preview=None))
            await place.runtime.discard(replace(holding, installation=""))
        assert await _of(place) == found

    async def test_a_name_that_was_taken_over_meanwhile_is_left(self, place: Place) -> None:
        spec, network = place.spec(place.web), place.network()
        await place.hand.hold_container(spec.name)
        await place.hand.hold_network(network.name)
        await place.hand.mark(HoldingKind.VOLUME, f"{place.tag}-taken", "", "")
        for kind, name in (
            (HoldingKind.INSTANCE, spec.name),
            (HoldingKind.NETWORK, network.name),
            (HoldingKind.VOLUME, f"{place.tag}-taken"),
        ):
            await place.runtime.discard(Holding(kind, name, "", place.installation, SHOP))
            assert await place.hand.exists(name), kind
        await place.runtime.discard(Holding(HoldingKind.IMAGE, place.web.image, "", place.installation, SHOP))
        assert await place.runtime.image(place.web.image) is not None

    @pytest.mark.parametrize("kind", [HoldingKind.INSTANCE, HoldingKind.NETWORK, HoldingKind.VOLUME])
    async def test_marks_that_name_no_preview_belong_to_nobody(self, place: Place, kind: HoldingKind) -> None:
        names = {f"{place.tag}-{number}": text for number, text in enumerate(HOSTILE)}
        for name, text in names.items():
            await place.hand.mark(kind, name, place.installation, text)
        found = await _of(place)
        assert {each.name: each.preview for each in found} == {
            name: _key(text) for name, text in names.items()
        }
        for holding in found:
            await place.runtime.discard(replace(holding, preview=SHOP))
            await place.runtime.discard(holding) if holding.preview is None else None
        assert await _of(place) == found
        assert [await place.hand.exists(name) for name in names] == [True] * len(names)

    async def test_an_image_goes_when_nobody_uses_it_any_more(self, place: Place) -> None:
        reference = _image(place)
        await place.hand.image(reference, place.installation, SHOP)
        sibling = place.spec(place.web, BLOG, image=reference)
        await place.runtime.start(sibling)
        (image,) = [each for each in await _of(place) if each.kind is HoldingKind.IMAGE]
        assert (image.preview, image.shared) == (SHOP, (BLOG,))
        with pytest.raises(NotReady) as refused:
            await place.runtime.discard(image)
        assert (refused.value.reason, reference in refused.value.message) == ("InUse", True)
        await place.runtime.remove(sibling.name)
        await place.runtime.discard(image)
        assert await place.runtime.image(reference) is None


async def _everything(place: Place) -> None:
    await place.hand.image(_image(place), place.installation, SHOP)
    await place.runtime.create_network(place.network())
    await place.runtime.start(place.spec(place.web, network=place.network().name))
    await place.hand.mark(HoldingKind.VOLUME, f"{place.tag}-data", place.installation, str(SHOP))


def _names(place: Place) -> dict[HoldingKind, str]:
    return {
        HoldingKind.INSTANCE: place.spec(place.web).name,
        HoldingKind.NETWORK: place.network().name,
        HoldingKind.VOLUME: f"{place.tag}-data",
        HoldingKind.IMAGE: _image(place),
    }


def _image(place: Place) -> str:
    return f"previewcloud/{place.tag}-shop/web:c0ffee"


def _key(text: str) -> PreviewKey | None:
    try:
        return PreviewKey.parse(text)
    except ValueError:
        return None


async def _of(place: Place, asked: object = None) -> list[Holding]:
    """What is listed of the place's installation; others may be at work on the engine."""
    runtime = place.stranger if asked is not None else place.runtime
    found = [each for each in await runtime.holdings() if each.installation == place.installation]
    return sorted(found, key=lambda each: (each.kind, each.name))
