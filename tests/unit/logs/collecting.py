"""Instances whose output is collected."""

from __future__ import annotations

from controller.api.names import PreviewKey
from controller.runtime.protocol import InstanceSpec, RouteSpec


def web_spec(name: str) -> InstanceSpec:
    """An instance of the image `web`, of the log `acme/shop#i1`, with one secret."""
    return InstanceSpec(
        name=name,
        preview=PreviewKey("default", "shop"),
        slug="pr-7",
        repository="Acme/shop",
        pull_request=7,
        service="web",
        revision="r1",
        config_hash="c1",
        commit="c0ffee",
        image="web",
        port=8080,
        route=RouteSpec(name, f"{name}.localhost", public=True),
        network=None,
        env={"PASSWORD": "hunter22"},
        incarnation="i1",
        secret_env=("PASSWORD",),
    )
