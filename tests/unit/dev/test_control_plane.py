from pathlib import Path

import pytest

from dev import commands, ports
from dev.control_plane import PROGRAMS, ControlPlane
from dev.node import dns
from dev.node.place import NodePlace
from dev.node.subnets import Subnets
from dev.site import site_from

SUBNETS = Subnets("10.232.4.0/24", "10.232.5.0/24")
PORTS = ports.choose("local-abc", lambda port: True)
PATHS = {name: Path("/bin") / name for name in PROGRAMS}


@pytest.fixture
def place(tmp_path: Path) -> NodePlace:
    site = site_from({"PREVIEWCLOUD_STATE": str(tmp_path)}, Path("/checkout"))
    site.make_directories()
    return NodePlace(site, SUBNETS)


def _options(plane: ControlPlane, name: str) -> dict[str, str]:
    program = next(one for one in plane.programs(PATHS) if one.name == name)
    return dict(word.removeprefix("--").split("=", 1) for word in program.command[1:])


def test_without_a_node_it_listens_on_loopback_alone(place: NodePlace) -> None:
    plane = ControlPlane(place.site, PORTS, SUBNETS)
    options = _options(plane, "kube-apiserver")
    assert options["bind-address"] == "127.0.0.1"
    assert options["disable-admission-plugins"] == "ServiceAccount"
    assert "deployment-controller" not in _options(plane, "kube-controller-manager")["controllers"]


def test_with_a_node_it_listens_on_the_nodes_bridge_and_limits_the_kubelet(place: NodePlace) -> None:
    plane = ControlPlane(place.site, PORTS, SUBNETS, place)
    options = _options(plane, "kube-apiserver")
    assert options["bind-address"] == "10.232.4.1"
    assert options["authorization-mode"] == "Node,RBAC"
    assert options["enable-admission-plugins"] == "NodeRestriction"
    assert "disable-admission-plugins" not in options
    assert "deployment-controller" in _options(plane, "kube-controller-manager")["controllers"]


def test_an_address_of_its_own_has_a_certificate_of_its_own(place: NodePlace) -> None:
    assert (
        ControlPlane(place.site, PORTS, SUBNETS).authority
        != ControlPlane(place.site, PORTS, SUBNETS, place).authority
    )


def test_who_logs_in_keeps_the_token_when_a_node_comes(place: NodePlace) -> None:
    tokens = place.site.secrets / "tokens.csv"
    ControlPlane(place.site, PORTS, SUBNETS).write_credentials()
    admin = tokens.read_text()
    ControlPlane(place.site, PORTS, SUBNETS, place).write_credentials()
    first, *others = tokens.read_text().splitlines(keepends=True)
    assert first == admin
    assert f"system:node:{place.name}" in others[0]
    assert all("system:masters" not in row for row in others)


def test_the_kubelets_certificate_is_no_authority_and_has_its_address(place: NodePlace) -> None:
    ControlPlane(place.site, PORTS, SUBNETS, place).programs(PATHS)
    file = place.site.secrets / "node/kubelet.crt"
    text = commands.run(["openssl", "x509", "-in", file, "-noout", "-text"])
    assert "IP Address:10.232.4.1" in text
    assert "CA:TRUE" not in text


def test_names_outside_the_cluster_are_asked_where_the_machine_asks(place: NodePlace) -> None:
    assert "forward" in dns.corefile(place, Path("/login"), "nameserver 192.0.2.1\n")
    assert "forward" not in dns.corefile(place, Path("/login"), "search example.com\n")
