import dataclasses
import json
import socket
from pathlib import Path

import pytest

from dev import ports
from dev.progress import StepFailed


def test_every_port_is_another() -> None:
    chosen = dataclasses.astuple(ports.choose("local-abc", lambda port: True))
    assert len(set(chosen)) == len(chosen)


def test_an_installation_starts_in_a_block_of_its_own() -> None:
    one, two = (ports.choose(name, lambda port: True) for name in ("local-abc", "local-def"))
    assert not set(dataclasses.astuple(one)) & set(dataclasses.astuple(two))


def test_a_taken_port_is_passed_over() -> None:
    first = ports.choose("local-abc", lambda port: True).http
    assert first not in dataclasses.astuple(ports.choose("local-abc", lambda port: port != first))


def test_nothing_free_is_an_error() -> None:
    with pytest.raises(StepFailed, match="free ports"):
        ports.choose("local-abc", lambda port: False)


def test_ports_are_kept(tmp_path: Path) -> None:
    kept = ports.ensure(tmp_path / "ports.json", "local-abc")
    with socket.create_server(("127.0.0.1", kept.http)):
        assert ports.ensure(tmp_path / "ports.json", "local-abc") == kept


def test_a_listener_on_loopback_makes_a_port_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert not ports.is_free(listener.getsockname()[1])


def test_a_port_that_is_new_is_chosen_beside_those_that_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    before = dataclasses.asdict(ports.ensure(file, "local-abc"))
    file.write_text(json.dumps({name: port for name, port in before.items() if name != "mysql"}))
    with (
        socket.create_server(("127.0.0.1", before["http"])),
        socket.create_server(("127.0.0.1", before["mysql"])),
    ):
        after = dataclasses.asdict(ports.ensure(file, "local-abc"))
    assert len(set(after.values())) == len(after)
    assert after.pop("mysql") != before.pop("mysql")
    assert after == before
