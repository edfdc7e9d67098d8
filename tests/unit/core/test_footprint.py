"""What a preview needs, from its services' limits."""

from __future__ import annotations

import pytest

from controller.api.errors import InvalidSpec
from controller.core.footprint import footprint
from controller.lifecycle.protocol import Footprint
from tests.unit.core.examples import LONE, RULES, inputs

SIZED = """
services:
  web: {port: 1, resources: {cpu: 250m, memory: 128Mi}}
  api: {port: 2, resources: {cpu: "1", memory: 1Gi}}
"""


def test_it_is_the_sum_over_the_services() -> None:
    assert footprint(inputs(SIZED).services, RULES) == Footprint(128 * 1024**2 + 1024**3, 1250)


def test_a_service_that_says_nothing_needs_what_its_container_gets() -> None:
    assert footprint(inputs(LONE).services, RULES) == Footprint(512 * 1024**2, 500)


def test_more_than_one_instance_may_have_is_refused() -> None:
    with pytest.raises(InvalidSpec) as caught:
        footprint(inputs("services: {web: {port: 1, resources: {memory: 8Gi}}}").services, RULES)
    assert caught.value.reason == "TooManyResources"
