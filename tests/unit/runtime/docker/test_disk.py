from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web

from controller.api.errors import BackendUnavailable
from controller.runtime.docker.address import EngineAddress
from controller.runtime.docker.container import disk_body
from controller.runtime.docker.disk import available
from controller.runtime.docker.runtime import DockerRuntime
from controller.runtime.docker.settings import DockerSettings
from controller.runtime.docker.transport import EngineClient

SETTINGS = DockerSettings("ours", "proxy", "tools:1")
HEADING = "Filesystem     1024-blocks     Used Available Capacity Mounted on"


def test_the_available_blocks_of_the_last_line_are_read() -> None:
    assert available([HEADING, "overlay          263174212 40523576  56623104      42% /"]) == 54 * 1024**3
    assert available([HEADING, "a pool of disks 10 5 5 50% /"]) == 5 * 1024
    assert available([HEADING, "overlay 10 10 0 100% /"]) == 0


@pytest.mark.parametrize("lines", [[], [""], [HEADING], ["df: not found"], ["a b c -1 d /"]])
def test_other_output_is_no_number(lines: list[str]) -> None:
    with pytest.raises(BackendUnavailable) as refusal:
        available(lines)
    assert refusal.value.reason == "EngineError"


def test_the_look_has_no_network_no_mount_and_our_marks() -> None:
    body = disk_body(SETTINGS)
    host = body["HostConfig"]
    assert isinstance(host, dict)
    assert host["NetworkMode"] == "none"
    assert host["CapDrop"] == ["ALL"] and not host["CapAdd"]
    assert not {"Binds", "Mounts", "Privileged"} & set(host)
    assert body["Labels"] == {
        "previewcloud.managed": "true",
        "previewcloud.installation": "ours",
        "previewcloud.job": "true",
    }


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [("mkdir /var/lib/docker/overlay2/x: no space left on device", 0), ("disk on fire", None)],
)
async def test_a_disk_that_holds_no_container_more_is_full(
    tmp_path: Path, sentence: str, expected: int | None
) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.method == "POST":
            return web.json_response({"message": sentence}, status=500)
        about = {"ApiVersion": "1.41", "Id": "sha256:tools"}
        return web.json_response(about)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "engine.sock")).start()
    client = EngineClient(EngineAddress(f"unix://{tmp_path}/engine.sock"))
    runtime = DockerRuntime(client, SETTINGS, lambda spec: {})
    try:
        if expected is not None:
            assert await runtime.free_bytes() == expected
            return
        with pytest.raises(BackendUnavailable, match=sentence):
            await runtime.free_bytes()
    finally:
        await client.close()
        await runner.cleanup()
