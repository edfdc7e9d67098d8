"""What a container is created with."""

import json
from dataclasses import replace
from typing import Any

from controller.api.names import PreviewKey
from controller.runtime.docker.container import Traits, instance_body, job_body
from controller.runtime.docker.labels import preview_of, route_of
from controller.runtime.docker.settings import DockerSettings
from controller.runtime.protocol import InstanceSpec, JobSpec, RouteSpec

SETTINGS = DockerSettings("mine", "proxy", "tools:1")
TRAITS = Traits("sha256:abc", init=True, all_networks=True)
SPEC = InstanceSpec(
    name="pr-1-web-abc",
    preview=PreviewKey("default", "shop"),
    slug="pr-1",
    repository="Acme/Shop",
    pull_request=1,
    service="web",
    revision="r1",
    config_hash="abc",
    commit="c" * 40,
    image="previewcloud/acme-shop/web:1",
    port=8080,
    route=RouteSpec("pr-1-web", "pr-1.localhost", public=True),
    network="mine-pr-1-r1",
    env={"SECRET": "s3cret"},
    cpu_millis=250,
    memory_bytes=1024,
)


def body(spec: InstanceSpec = SPEC, traits: Traits = TRAITS) -> Any:
    return instance_body(spec, traits, SETTINGS, {"traefik.enable": "true"})


def test_an_instance_is_hardened_and_limited() -> None:
    host = body()["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert "NET_RAW" not in host["CapAdd"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["Memory"] == host["MemorySwap"] == 1024
    assert host["NanoCpus"] == 250_000_000
    assert host["PidsLimit"] == 256
    assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}
    for way_out in ("Binds", "Mounts", "PortBindings", "Privileged", "Devices", "PidMode", "IpcMode"):
        assert way_out not in host
    assert host["NetworkMode"] == "proxy"


def test_labels_say_whose_it_is_and_hold_no_secret() -> None:
    labels = body()["Labels"]
    assert preview_of(labels, "mine") == SPEC.preview
    assert preview_of(labels, "other") is None
    assert route_of(labels) == SPEC.route
    assert (labels["previewcloud.owner"], labels["previewcloud.pr"]) == ("acme", "1")
    assert labels["traefik.enable"] == "true"
    assert "s3cret" not in json.dumps(labels)


def test_our_labels_win_over_the_proxys() -> None:
    made: Any = instance_body(SPEC, TRAITS, SETTINGS, {"previewcloud.preview": "team/victim"})
    assert made["Labels"]["previewcloud.preview"] == "default/shop"


def test_networks_are_given_at_once_only_where_the_engine_takes_several() -> None:
    together = body()["NetworkingConfig"]["EndpointsConfig"]
    assert together == {"proxy": {}, "mine-pr-1-r1": {"Aliases": ["web"]}}
    single = body(traits=replace(TRAITS, all_networks=False))["NetworkingConfig"]["EndpointsConfig"]
    assert single == {"proxy": {}}
    assert body(replace(SPEC, network=None))["NetworkingConfig"]["EndpointsConfig"] == {"proxy": {}}


def test_an_instance_is_made_from_the_image_that_was_looked_at() -> None:
    assert body()["Image"] == "sha256:abc"
    assert "Cmd" not in body()
    assert body(replace(SPEC, command=("run", "$(x)")))["Cmd"] == ["run", "$(x)"]


def test_a_job_has_no_capability_and_no_entry_point_but_its_command() -> None:
    spec = JobSpec("job", SPEC.preview, "pr-1", "psql:1", ("psql", "-f", "/job/1.sql"))
    made: Any = job_body(spec, "sha256:psql", SETTINGS)
    assert (made["Entrypoint"], made["Cmd"]) == (["psql"], ["-f", "/job/1.sql"])
    assert made["HostConfig"]["CapAdd"] == []
    assert "RestartPolicy" not in made["HostConfig"]
    assert made["Labels"]["previewcloud.job"] == "true"
