"""Subnets: the first free one, whatever else is on the engine."""

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from controller.runtime.docker.networks import bridge_name, free_subnet

POOL = "10.212.0.0/24"


def test_the_first_free_subnet_is_chosen() -> None:
    assert free_subnet(POOL, 28, []) == "10.212.0.0/28"
    assert free_subnet(POOL, 28, ["10.212.0.0/28", "10.212.0.32/28"]) == "10.212.0.16/28"
    assert free_subnet(POOL, 28, ["172.17.0.0/16", "fd00::/64"]) == "10.212.0.0/28"


def test_wider_and_unaligned_neighbours_are_stepped_over() -> None:
    assert free_subnet(POOL, 28, ["10.0.0.0/8"]) is None
    assert free_subnet(POOL, 28, ["10.212.0.0/26"]) == "10.212.0.64/28"
    assert free_subnet(POOL, 28, ["10.212.0.8/29"]) == "10.212.0.16/28"


def test_a_used_up_pool_has_none() -> None:
    taken = [f"10.212.0.{start}/28" for start in range(0, 256, 16)]
    assert free_subnet(POOL, 28, taken) is None


@given(st.sets(st.integers(0, 63)), st.integers(26, 30))
def test_what_is_given_is_inside_the_pool_and_overlaps_nothing(blocks: set[int], prefix: int) -> None:
    taken = [f"10.212.0.{block * 4}/30" for block in blocks]
    found = free_subnet(POOL, prefix, taken)
    held = [ipaddress.IPv4Network(each) for each in taken]
    if found is None:
        spaces = ipaddress.IPv4Network(POOL).subnets(new_prefix=prefix)
        assert all(any(space.overlaps(each) for each in held) for space in spaces)
    else:
        network = ipaddress.IPv4Network(found)
        assert network.subnet_of(ipaddress.IPv4Network(POOL))
        assert not any(network.overlaps(each) for each in held)


def test_bridges_fit_the_kernel_and_share_their_installations_prefix() -> None:
    names = {bridge_name("mine", f"network-{number}", attempt) for number in range(50) for attempt in (0, 1)}
    assert len(names) == 100
    assert {len(name) for name in names} == {15}
    assert len({name[:9] for name in names}) == 1
    assert bridge_name("other", "network-0", 0)[:9] not in {name[:9] for name in names}
