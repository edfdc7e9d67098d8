"""What is made beside the database, and that each failure is told under its own condition."""

from __future__ import annotations

import pytest

from controller.api.errors import BackendUnavailable
from controller.core.execute import Moment
from tests.unit.core.world import World


async def prepared() -> World:
    """A world in which the images are known, the database and the network are to be made."""
    world = World()
    world.apply()
    await world.reconcile()
    (network,) = [name for name in world.runtime.engine.networks]
    for name in [*world.runtime.engine.containers]:
        world.runtime.engine.remove(name)
    world.runtime.engine.drop_network(network)
    world.postgres.server.databases.clear()
    return world


async def test_network_and_instances_begin_before_the_database_is_ready() -> None:
    world = await prepared()
    order: list[str] = []

    async def on_action(action: object, moment: Moment) -> None:
        order.append(f"{moment} {type(action).__name__}")

    world.on_action = on_action
    await world.reconcile()
    assert order.index("before CreateNetwork") < order.index("after CreateDatabase")
    assert order.index("after CreateNetwork") < order.index("before CreateInstance")
    assert order.index("after Migrate") < order.index("before ResumeInstance")


@pytest.mark.parametrize(
    ("failing", "condition"), [("network", "ServicesReady"), ("database", "DatabaseReady")]
)
async def test_a_failure_is_told_under_the_condition_that_it_concerns(
    failing: str, condition: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await prepared()

    async def refuse(*_: object) -> None:
        raise BackendUnavailable("Refused", f"The {failing} is refused.")

    part, name = {
        "network": (world.runtime, "create_network"),
        "database": (world.postgres, "migrate"),
    }[failing]
    monkeypatch.setattr(part, name, refuse)
    await world.reconcile()
    false = [str(c.type) for c in world.read().status.conditions if c.reason == "Refused"]
    assert condition in false
    assert not {"ServicesReady", "DatabaseReady"} - {condition} & set(false)
