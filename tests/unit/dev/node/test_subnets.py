from ipaddress import IPv4Network
from pathlib import Path

import pytest

from controller.engine.networks import PLATFORM_POOL, PREVIEW_POOLS
from dev.node import subnets
from dev.node.subnets import POOL
from dev.progress import StepFailed

ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
"""


def test_pods_and_services_have_different_addresses() -> None:
    chosen = subnets.choose("local-abc", ())
    assert not IPv4Network(chosen.pods).overlaps(IPv4Network(chosen.services))


def test_what_the_machine_uses_is_passed_over() -> None:
    first = subnets.choose("local-abc", ())
    second = subnets.choose("local-abc", [IPv4Network(first.pods)])
    assert not {first.pods, first.services} & {second.pods, second.services}


def test_a_full_range_is_an_error() -> None:
    with pytest.raises(StepFailed, match="no free subnet"):
        subnets.choose("local-abc", [POOL])


def test_nothing_of_previews_is_taken() -> None:
    assert not any(POOL.overlaps(pool) for pool in (PLATFORM_POOL, *PREVIEW_POOLS))


def test_what_was_chosen_stays(tmp_path: Path) -> None:
    kept = subnets.ensure(tmp_path / subnets.FILE, "local-abc")
    assert subnets.ensure(tmp_path / subnets.FILE, "local-def") == kept


def test_the_kernels_table_is_read_without_the_default_route() -> None:
    assert subnets.networks_of(ROUTES) == [IPv4Network("172.17.0.0/16")]
