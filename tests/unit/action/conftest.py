from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.action.stage import Service, Stage, serving


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    with serving(made):
        yield made


@pytest.fixture
def stage(service: Service, tmp_path: Path) -> Stage:
    return Stage(tmp_path, service)
