from pathlib import Path

from dev.node.place import NodePlace
from dev.node.subnets import Subnets
from dev.site import site_from

CHAIN = 28
INTERFACE = 15
LONGEST_OF_KUBE_PROXY = "KUBE-SVC-" + 16 * "X"


def _place(state: str) -> NodePlace:
    site = site_from({"PREVIEWCLOUD_STATE": state}, Path("/checkout"))
    return NodePlace(site, Subnets("10.232.4.0/24", "10.232.5.0/24"))


def test_two_nodes_of_one_machine_share_no_name() -> None:
    one, two = _place("/a/.local"), _place("/b/.local")
    for name in ("name", "run", "socket", "folder", "cgroup", "bridge", "chains"):
        assert getattr(one, name) != getattr(two, name)


def test_names_fit_where_the_kernel_limits_them() -> None:
    place = _place("/a/.local")
    assert len(place.bridge) <= INTERFACE
    assert len(LONGEST_OF_KUBE_PROXY.replace("KUBE-", place.chains)) <= CHAIN


def test_the_node_has_the_address_of_its_bridge() -> None:
    assert _place("/a/.local").address == "10.232.4.1"
