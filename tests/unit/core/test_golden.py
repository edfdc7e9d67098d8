"""Golden pairs: a resource, its repository and what happened before go in, the plan's text comes out.

A case is a directory of tests/golden:

    preview.yaml    the resource
    repository/     the files of its commit (and of the one before)
    before/         optional: files that the commit before had otherwise
    before.yaml     optional: the resource as it was served before
    happened.yaml   optional: what happened since: services `killed` and `removed`, networks and databases
                    `dropped`, the operator `restarted`
    plan.txt        what the operator says it does, and why it fails; hashes are numbered as they appear

`UPDATE_GOLDEN=1 pytest tests/unit/core/test_golden.py` writes plan.txt anew; read the difference before it is
committed.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.api.names import PreviewKey
from controller.logs.protocol import LogType
from controller.runtime.memory_model import image_info
from tests.unit.core.world import World

ROOT = Path(__file__).parents[2] / "golden"
CASES = sorted(path.name for path in ROOT.iterdir() if path.is_dir())
IMAGES = ("registry.test/web:1", "registry.test/cache:7")
HASH = re.compile(r"(?<=[-:x ])[0-9a-f]{6,16}\b")


def read(path: Path) -> dict[str, Any]:
    loaded = yaml.safe_load(path.read_text()) if path.exists() else None
    return dict(loaded or {})


def apply(world: World, resource: dict[str, Any], generation: int) -> PreviewKey:
    metadata = {"uid": "u", "generation": generation, **resource["metadata"]}
    key = PreviewKey(metadata["namespace"], metadata["name"])
    known = world.cluster.bodies.get(key, {})
    for field in ("annotations", "finalizers"):
        if field in known.get("metadata", {}):
            old, new = known["metadata"][field], metadata.get(field)
            metadata[field] = {**old, **(new or {})} if isinstance(old, dict) else old
    world.cluster.put({**known, **resource, "metadata": metadata})
    return key


def damage(world: World, key: PreviewKey, happened: dict[str, Any]) -> None:
    engine = world.runtime.engine
    names, networks = engine.names(world.installation, key)
    for how in ("killed", "removed"):
        for service in happened.get(how, []):
            (name,) = [n for n in names if f"-{service}-" in n]
            engine.kill(name) if how == "killed" else engine.remove(name)
    if happened.get("networks") == "dropped":
        for network in networks:
            engine.drop_network(network)
    if happened.get("databases") == "dropped":
        for name in list(world.postgres.server.databases):
            world.postgres.drop_by_hand(name)
    if happened.get("restarted"):
        world.restart()


def numbered(text: str) -> str:
    """Hashes as <1>, <2>, … so that a plan reads the same after a harmless change of what is hashed."""
    seen: dict[str, str] = {}
    return HASH.sub(lambda match: seen.setdefault(match[0][:8], f"<{len(seen) + 1}>"), text)


def tree(directory: Path) -> dict[str, bytes]:
    """The files below a directory, by their paths in it."""
    found = (path for path in sorted(directory.rglob("*")) if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in found}


async def said(case: Path) -> str:
    """What the operator says of one pass over the resource."""
    world = World()
    world.runtime.registry |= {reference: image_info(reference, 80) for reference in IMAGES}
    files = tree(case / "repository")
    world.source.add("acme/shop", "a" * 40, files)
    world.source.add("acme/shop", "b" * 40, {**files, **tree(case / "before")})
    if before := read(case / "before.yaml"):
        key = apply(world, before, 1)
        await world.settle(key)
        damage(world, key, read(case / "happened.yaml"))
    world.sink.entries.clear()
    resource = read(case / "preview.yaml")
    again = before.get("spec") == resource["spec"] and before.get("metadata") == resource["metadata"]
    outcome = await world.reconcile(apply(world, resource, 1 if again or not before else 2))
    lines = [entry.message for entry in world.sink.entries if entry.type is LogType.SYSTEM]
    if outcome.error is not None:
        lines.append(f"failed: {outcome.error}")
    return numbered("\n".join(lines) or "nothing to do") + "\n"


@pytest.mark.parametrize("case", CASES)
async def test_the_plan_is_the_one_that_is_written_down(case: str) -> None:
    golden = ROOT / case / "plan.txt"
    text = await said(ROOT / case)
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()
