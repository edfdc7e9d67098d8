from collections.abc import Iterator

import pytest

from tests.integration.node.machine import Machine


@pytest.fixture(scope="package")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A whole platform with a node, and the sample that answers."""
    started = Machine(tmp_path_factory.mktemp("node") / ".local")
    try:
        started.dev("up", "--node")
        yield started
    finally:
        started.dev("down")
