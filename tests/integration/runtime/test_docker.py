"""What Docker has to do beyond the contract: hardening, siblings, interrupted work, bounded calls, jobs."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace

import docker
import pytest

from controller.api.errors import BackendUnavailable, Conflict, InvalidSpec
from controller.api.names import PreviewKey
from controller.runtime.docker.address import EngineAddress
from controller.runtime.docker.runtime import DockerRuntime
from controller.runtime.docker.settings import DockerSettings
from controller.runtime.docker.transport import Call, EngineClient
from controller.runtime.protocol import InstanceState
from tests.contract.place import SHOP, Place, Program, eventually
from tests.integration.images import BASE_IMAGE, LISTEN
from tests.integration.runtime.conftest import perl

FETCH = (
    "use IO::Socket::INET; $|=1; for (1..200) {"
    "if (my $s=IO::Socket::INET->new(PeerAddr=>'api:8080',Timeout=>2))"
    "{print $s qq(GET / HTTP/1.0\\r\\n\\r\\n); my @l=<$s>; print qq($l[-1]\\n); sleep 3600}"
    "select undef,undef,undef,0.1 } print qq(nobody\\n)"
)
IGNORES_TERM = "$SIG{TERM}='IGNORE'; $|=1; print qq(deaf\\n); sleep 1 while 1"


async def printed(place: Place, name: str, wanted: str) -> None:
    async def there() -> bool:
        return wanted in await place.runtime.tail(name, 50)

    await eventually(there)


async def test_siblings_meet_by_service_name_and_others_do_not(place: Place) -> None:
    network = place.network()
    await place.runtime.create_network(network)
    await place.runtime.start(place.spec(place.web, service="api", network=network.name))
    web = place.spec(perl(FETCH), network=network.name)
    await place.runtime.start(web)
    await printed(place, web.name, "hello from api")
    stranger = place.spec(perl(FETCH.replace("1..200", "1..5")), PreviewKey("default", "blog"))
    await place.runtime.start(stranger)
    await printed(place, stranger.name, "nobody")


async def test_a_container_is_what_hardening_asks_for(place: Place, runtime: DockerRuntime) -> None:
    spec = place.spec(place.web)
    await place.runtime.start(spec)
    attributes = (await asyncio.to_thread(docker.from_env().containers.get, spec.name)).attrs
    host = attributes["HostConfig"]
    assert host["CapDrop"] == ["ALL"] and "CAP_NET_RAW" not in host["CapAdd"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert (host["PidsLimit"], host["Memory"]) == (256, spec.memory_bytes)
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["LogConfig"]["Type"] == "json-file"
    assert not (host["Binds"] or attributes["Mounts"] or host["PortBindings"] or host["Privileged"])
    probe = "open F,'/proc/self/status'; print grep /^(CapEff|NoNewPrivs)/, <F>; sleep 3600"
    looker = place.spec(perl(f"$|=1; {probe}"), service="caps")
    await place.runtime.start(looker)
    await printed(place, looker.name, "NoNewPrivs:\t1")
    (effective,) = [line for line in await place.runtime.tail(looker.name, 9) if line.startswith("CapEff")]
    assert not int(effective.split()[1], 16) & (1 << 13 | 1 << 21)  # CAP_NET_RAW, CAP_SYS_ADMIN


async def test_a_fork_bomb_stays_inside_its_limit(place: Place) -> None:
    bomb = "$|=1; my $n=0; while(1){ my $p=fork; if(!defined $p){print qq(stopped at $n\\n); sleep 3600} "
    spec = place.spec(perl(bomb + "if($p==0){sleep 3600} $n++ }"))
    await place.runtime.start(spec)

    async def stopped() -> bool:
        return any(line.startswith("stopped at 25") for line in await place.runtime.tail(spec.name, 5))

    await eventually(stopped)


async def test_a_start_that_was_interrupted_is_finished(place: Place, client: EngineClient) -> None:
    network = place.network()
    spec = place.spec(place.web, network=network.name)
    await place.runtime.create_network(network)
    await place.runtime.start(spec)
    sdk = docker.from_env()
    labels = (await asyncio.to_thread(sdk.containers.get, spec.name)).attrs["Config"]["Labels"]
    await place.runtime.remove(spec.name)
    await asyncio.to_thread(
        sdk.containers.create, BASE_IMAGE, list(spec.command or ()), name=spec.name, labels=labels,
        environment=dict(spec.env), network=f"traefik-proxy-{place.installation}",
    )  # fmt: skip
    (left,) = (await place.runtime.observe(SHOP)).instances
    assert (left.state, left.networks, left.proxied) == (InstanceState.CREATED, frozenset(), True)
    await place.runtime.start(spec)
    (instance,) = (await place.runtime.observe(SHOP)).instances
    assert (instance.state, instance.networks) == (InstanceState.RUNNING, frozenset({network.name}))
    with pytest.raises(Conflict):
        await place.runtime.start(replace(spec, config_hash="another"))


async def test_cancelling_a_start_leaves_what_the_next_one_adopts(place: Place) -> None:
    spec = place.spec(place.web)
    for pause in (0.0, 0.01, 0.03, 0.06):
        task = asyncio.create_task(place.runtime.start(spec))
        await asyncio.wait({task}, timeout=pause)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await place.runtime.start(spec)
        (instance,) = (await place.runtime.observe(SHOP)).instances
        assert instance.state is InstanceState.RUNNING
        await place.runtime.remove(spec.name)


async def test_cancelling_a_network_leaves_one_or_none(place: Place) -> None:
    for number in range(4):
        network = place.network(revision=f"c{number}")
        task = asyncio.create_task(place.runtime.create_network(network))
        await asyncio.wait({task}, timeout=0.02 * number)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await place.runtime.create_network(network)
        await place.runtime.remove_network(network.name)
        assert (await place.runtime.observe(SHOP)).networks == ()


async def test_many_networks_at_once_share_the_pool_and_a_full_pool_says_so(
    place: Place, client: EngineClient, settings: DockerSettings
) -> None:
    small = replace(settings, subnet_pool="10.214.255.0/26")
    one, two = (DockerRuntime(client, small, lambda spec: {}) for _ in range(2))
    specs = [place.network(revision=f"r{number}") for number in range(4)]
    await asyncio.gather(*((one, two)[at % 2].create_network(spec) for at, spec in enumerate(specs)))
    assert len((await one.observe(SHOP)).networks) == 4
    with pytest.raises(BackendUnavailable) as full:
        await one.create_network(place.network(revision="r9"))
    assert full.value.reason == "SubnetsExhausted"


async def test_a_slow_stop_holds_up_nobody_and_ends_with_a_kill(
    place: Place, settings: DockerSettings
) -> None:
    narrow = EngineClient(EngineAddress.from_env(os.environ), calls=1)
    runtime = DockerRuntime(narrow, settings, lambda spec: {})
    spec = place.spec(perl(IGNORES_TERM))
    await runtime.start(spec)
    await printed(place, spec.name, "deaf")
    stopping = asyncio.create_task(runtime.stop(spec.name, 2))
    start = time.monotonic()
    while not stopping.done():
        await runtime.observe(SHOP)
        await asyncio.sleep(0.05)
    assert 1.5 < time.monotonic() - start < 10
    (instance,) = (await runtime.observe(SHOP)).instances
    assert (instance.state, instance.exit_code) == (InstanceState.EXITED, 137)
    await narrow.close()


async def test_a_program_that_ends_on_sigterm_is_let_end(place: Place) -> None:
    spec = place.spec(place.web)
    await place.runtime.start(spec)
    await printed(place, spec.name, "listening")
    await place.runtime.stop(spec.name, 10)
    assert (await place.runtime.tail(spec.name, 1)) == ("ended",)
    (instance,) = (await place.runtime.observe(SHOP)).instances
    assert instance.exit_code == 0


async def test_a_command_that_is_not_in_the_image_is_named(place: Place) -> None:
    spec = place.spec(Program(BASE_IMAGE, ("no-such-program",)))

    async def told() -> bool:
        (instance,) = (await place.runtime.observe(SHOP)).instances
        lines = await place.runtime.tail(spec.name, 5)
        return instance.exit_code == 127 and any("no-such-program" in line for line in lines)

    try:
        await place.runtime.start(spec)
    except InvalidSpec as refused:  # an engine without an init finds out at once
        assert refused.reason == "StartFailed"
    else:
        await eventually(told)


async def test_an_instance_off_the_proxys_network_is_seen_told_and_put_back(place: Place) -> None:
    spec = place.spec(place.web)
    await place.runtime.start(spec)
    proxy = f"traefik-proxy-{place.installation}"
    events = place.runtime.watch()
    assert await anext(events) is None
    network = await asyncio.to_thread(docker.from_env().networks.get, proxy)
    await asyncio.to_thread(network.disconnect, spec.name)
    assert await asyncio.wait_for(anext(events), 10) == SHOP
    await events.aclose()  # type: ignore[attr-defined]
    assert not (await place.runtime.observe(SHOP)).instances[0].proxied
    await place.runtime.attach(spec.name, proxy, "web")
    assert (await place.runtime.observe(SHOP)).instances[0].proxied


async def test_a_job_sees_its_files_and_cannot_change_them(place: Place) -> None:
    look = (
        "open F,'/job/m/1.sql' or die; print <F>; print qq(\\n);"
        "open(G,'>>/job/m/1.sql') ? print qq(changed\\n) : print qq(refused\\n);"
        "open(G,'>/job/m/2.sql') ? print qq(added\\n) : print qq(refused\\n);"
    )
    spec = place.job_spec(perl(look), files={"m/1.sql": b"select 1"}, env={"A": "b"})
    result = await place.runtime.run_job(spec, lambda _: None)
    assert result.lines == ("select 1", "refused", "refused")


async def test_a_job_is_stopped_when_its_time_is_over(place: Place) -> None:
    spec = place.job_spec(perl("$|=1; print qq(begun\\n); sleep 3600"), timeout_seconds=3)
    lines: list[str] = []
    result = await place.runtime.run_job(spec, lines.append)
    assert (result.exit_code, lines[0]) == (124, "begun")
    assert await place.hand.jobs() == 0


async def test_a_job_left_by_an_earlier_operator_makes_room_or_is_cleaned_up(place: Place) -> None:
    spec = place.job_spec(place.job(0))
    for _ in range(2):
        task = asyncio.create_task(place.runtime.run_job(place.job_spec(place.endless), lambda _: None))

        async def running() -> bool:
            return await place.hand.jobs() == 1

        await eventually(running)
        second = await place.runtime.run_job(spec, lambda _: None)
        assert second.exit_code == 0
        await asyncio.gather(task, return_exceptions=True)
    left = place.job_spec(place.endless, name=f"{spec.name}-left")
    task = asyncio.create_task(place.runtime.run_job(left, lambda _: None))
    await eventually(running)
    await place.runtime.cleanup_jobs(SHOP)
    assert await place.hand.jobs() == 0
    await asyncio.gather(task, return_exceptions=True)


async def test_an_engine_with_one_free_call_serves_many_streams(
    place: Place, settings: DockerSettings
) -> None:
    narrow = EngineClient(EngineAddress.from_env(os.environ), calls=1)
    runtime = DockerRuntime(narrow, settings, lambda spec: {})
    streams = [runtime.watch() for _ in range(20)]
    await asyncio.gather(*(anext(each) for each in streams))
    assert await asyncio.wait_for(runtime.survey(), 5) == {}
    for each in streams:
        await each.aclose()  # type: ignore[attr-defined]
    assert await narrow.call(Call("GET", "/_ping")) == b"OK"
    await narrow.close()


async def test_listen_program_is_what_other_tests_think_it_is(place: Place) -> None:
    spec = place.spec(perl(LISTEN))
    await place.runtime.start(spec)
    await printed(place, spec.name, "listening")
