"""What every test of the operator's own parts begins with."""

import pytest

from tests.unit.controller.operator_world import OperatorWorld


@pytest.fixture
def world() -> OperatorWorld:
    return OperatorWorld()
