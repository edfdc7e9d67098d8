"""What is asked of an engine that is played here: the real one of the tests has other people's cache."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from controller.runtime.docker.address import EngineAddress
from controller.runtime.docker.prune import Prune, freed
from controller.runtime.docker.transport import EngineClient, EngineRefused

Asked = list[tuple[str, dict[str, str]]]


class PlayedEngine:
    """Answers as an engine with one nameless image, and keeps what it was asked."""

    def __init__(self) -> None:
        self.api, self.oldest = "1.44", "1.24"
        self.tags: list[str] = []
        self.refusal = 0
        self.sentence = ""
        self.asked: Asked = []

    def site(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/version", self._version)
        app.router.add_route("*", "/{version}/{rest:.*}", self._answer)
        return app

    def requests(self, path: str) -> list[dict[str, str]]:
        """The queries of all requests to a path."""
        return [query for each, query in self.asked if each == path]

    async def _version(self, request: web.Request) -> web.Response:
        return web.json_response({"ApiVersion": self.api, "MinAPIVersion": self.oldest})

    async def _answer(self, request: web.Request) -> web.Response:
        path = f"{request.method} /{request.match_info['rest']}"
        self.asked.append((path, dict(request.query)))
        if request.method == "DELETE" and self.refusal:
            return web.json_response({"message": self.sentence}, status=self.refusal)
        answers: dict[str, object] = {
            "GET /images/json": [{"Id": "sha256:a", "RepoTags": None}],
            "GET /images/sha256:a/json": {
                "Id": "sha256:a",
                "RepoTags": self.tags,
                "RootFS": {"Layers": ["1", "2", "3"]},
            },
            "GET /images/sha256:a/history": [{"Size": 0}, {"Size": 5}, {"Size": 7}, {"Size": 70}],
            "DELETE /images/sha256:a": [{"Deleted": "sha256:a"}, {"Deleted": "2"}, {"Deleted": "3"}],
            "POST /build/prune": {"CachesDeleted": None, "SpaceReclaimed": 42},
        }
        return web.json_response(answers[path])


@pytest.fixture
def engine() -> PlayedEngine:
    return PlayedEngine()


@pytest.fixture
async def prune(engine: PlayedEngine, tmp_path: Path) -> AsyncIterator[Prune]:
    runner = web.AppRunner(engine.site())
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "engine.sock")).start()
    client = EngineClient(EngineAddress(f"unix://{tmp_path}/engine.sock"))
    yield Prune(client, "ours")
    await client.close()
    await runner.cleanup()


async def test_only_nameless_images_with_our_label_are_asked_for(prune: Prune, engine: PlayedEngine) -> None:
    assert await prune.images() == 12
    (query,) = engine.requests("GET /images/json")
    assert query["filters"] == '{"dangling": ["true"], "label": ["previewcloud.image.installation=ours"]}'
    assert engine.requests("DELETE /images/sha256:a") == [{"noprune": "1"}]


async def test_an_image_that_has_a_name_by_now_is_left(prune: Prune, engine: PlayedEngine) -> None:
    engine.tags = ["previewcloud/acme-shop/web:1"]
    assert await prune.images() == 0
    assert engine.requests("DELETE /images/sha256:a") == []


@pytest.mark.parametrize(
    ("status", "sentence"),
    [(404, "No such image"), (409, "image is being used"), (500, "unrecognized image ID sha256:a")],
)
async def test_an_image_that_is_used_or_gone_is_no_failure(
    prune: Prune, engine: PlayedEngine, status: int, sentence: str
) -> None:
    engine.refusal, engine.sentence = status, sentence
    assert await prune.images() == 0


async def test_what_else_the_engine_refuses_is_told(prune: Prune, engine: PlayedEngine) -> None:
    engine.refusal, engine.sentence = 500, "disk on fire"
    with pytest.raises(EngineRefused, match="disk on fire"):
        await prune.images()


@pytest.mark.parametrize(
    ("api", "oldest", "word"),
    [
        ("1.41", "1.12", "keep-storage"),
        ("1.52", "1.44", "keep-storage"),  # spoken with at 1.44
        ("1.60", "1.48", "reserved-space"),
    ],
)
async def test_the_cache_is_cut_to_a_size_and_never_cleared(
    prune: Prune, engine: PlayedEngine, api: str, oldest: str, word: str
) -> None:
    engine.api, engine.oldest = api, oldest
    assert await prune.cache(1000) == 42
    assert engine.requests("POST /build/prune") == [{word: "1000"}]


@pytest.mark.parametrize(
    ("history", "layers", "deleted", "expected"),
    [
        ([0, 5, 7, 70], 3, 3, 82),
        ([0, 5, 7, 70], 3, 1, 5),
        ([0, 5, 7, 70], 3, 0, 0),
        ([0, 5, 7, 70], 4, 2, 5),  # one of the two may be the empty layer
        ([0, 5, 7, 70], 4, 4, 82),
        ([], 0, 0, 0),
        ([5], 1, 9, 5),
    ],
)
def test_freed_bytes_are_what_surely_went(
    history: list[int], layers: int, deleted: int, expected: int
) -> None:
    assert freed(history, layers, deleted) == expected
