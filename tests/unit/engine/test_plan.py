"""A plan carried out leaves nothing to do, takes nothing from others, and is undone without a trace."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from controller.api.errors import Conflict, InvalidSpec
from controller.engine import plan
from controller.engine.given import Given
from controller.engine.limits import Limits
from controller.engine.networks import EngineNetwork
from controller.engine.traefik import CONFIG_PATH, TraefikContainer
from controller.engine.wanted import Wanted
from tests.unit.engine.examples import GIVEN, TOKEN, carried_out, done, engine, wanted


def actions(prepared: plan.Prepared) -> list[str]:
    return [type(piece.action).__name__ for piece in prepared.pieces if piece.action is not None]


def prepared_engine(options: Wanted | None = None, start: plan.Observed | None = None) -> plan.Observed:
    start = start or engine()
    return carried_out(start, plan.prepare(options or wanted(), GIVEN, start))


def test_a_fresh_engine_gets_everything_in_order() -> None:
    prepared = plan.prepare(wanted(), GIVEN, engine())
    assert actions(prepared) == [*["CreateNetwork"] * 3, "RestoreRules", "SetLimits", "RunTraefik"]
    assert prepared.facts == {
        "gateway": "10.213.0.1",
        "proxy_network": "traefik-proxy-alpha",
        "proxy_subnet": "10.213.0.0/22",
        "jobs_network": "previewcloud-jobs-alpha",
        "jobs_subnet": "10.213.8.0/22",
        "platform_network": "previewcloud-alpha",
        "platform_subnet": "10.213.4.0/22",
        "preview_pool": "10.212.0.0/16",
        "bridge_prefix": wanted().names.bridge_prefix,
    }


def test_a_second_run_does_nothing_and_tells_the_same_facts() -> None:
    again = plan.prepare(wanted(), GIVEN, prepared_engine())
    assert actions(again) == []
    assert again.facts == plan.prepare(wanted(), GIVEN, engine()).facts


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"http_port": 8000}, ["RunTraefik"]),
        ({"provider_url": "http://127.0.0.1:1/traefik"}, ["RunTraefik"]),
        ({"database_port": (5432, 3306)}, ["RestoreRules"]),
        ({"allow": ("10.9.0.0/16",)}, ["RestoreRules"]),
        ({"build_memory": "2g"}, ["SetLimits"]),
        ({"preview_pool": "10.99.0.0/16"}, ["CreateNetwork", "RestoreRules"]),
    ],
)
def test_a_changed_wish_changes_its_own_piece_alone(changes: dict[str, object], expected: list[str]) -> None:
    observed = prepared_engine()
    changed = plan.prepare(wanted(**changes), GIVEN, observed)
    assert actions(changed) == expected
    assert actions(plan.prepare(wanted(**changes), GIVEN, carried_out(observed, changed))) == []


def test_another_token_or_another_image_replaces_traefik() -> None:
    observed = prepared_engine()
    assert actions(plan.prepare(wanted(), Given("another"), observed)) == ["RunTraefik"]
    assert actions(plan.prepare(wanted(), GIVEN, replace(observed, traefik_image_id="sha256:2"))) == [
        "RunTraefik"
    ]


def test_a_stopped_traefik_is_started_and_not_made_anew() -> None:
    observed = prepared_engine()
    assert observed.traefik is not None
    stopped = replace(observed, traefik=replace(observed.traefik, running=False))
    assert actions(plan.prepare(wanted(), GIVEN, stopped)) == ["StartContainer"]


def test_the_token_stands_in_the_file_alone() -> None:
    prepared = plan.prepare(wanted(), GIVEN, engine())
    specs = [piece.action.spec for piece in prepared.pieces if isinstance(piece.action, plan.RunTraefik)]
    assert TOKEN in specs[0].files[CONFIG_PATH]
    assert TOKEN not in repr(prepared)


def test_two_installations_never_share_addresses() -> None:
    first = prepared_engine()
    beta = plan.prepare(wanted(installation="beta"), GIVEN, replace(first, traefik=None))
    subnets = [IPv4Network(beta.facts[key]) for key in ("proxy_subnet", "platform_subnet", "preview_pool")]
    taken = [IPv4Network(text) for text in ("10.213.0.0/22", "10.213.4.0/22", "10.212.0.0/16")]
    assert not any(mine.overlaps(theirs) for mine in subnets for theirs in taken)


def test_removing_one_installation_leaves_the_other_unchanged() -> None:
    alpha = prepared_engine()
    beta = prepared_engine(wanted(installation="beta"), replace(alpha, traefik=None))
    for piece in plan.remove(wanted(installation="beta"), beta):
        beta = done(beta, piece.action) if piece.action else beta
    assert beta.host.rules4 == alpha.host.rules4
    assert beta.host.limits == alpha.host.limits
    assert beta.networks == alpha.networks


def test_removing_the_last_installation_leaves_a_fresh_engine() -> None:
    observed = prepared_engine()
    for piece in plan.remove(wanted(), observed):
        observed = done(observed, piece.action) if piece.action else observed
    assert observed.host.rules4 == engine().host.rules4
    assert observed.host.rules6 == engine().host.rules6
    assert observed.host.limits == Limits()
    assert (observed.networks, observed.traefik) == (engine().networks, None)
    assert [piece for piece in plan.remove(wanted(), observed) if piece.action] == []


def test_a_foreign_network_or_container_of_our_name_is_a_conflict() -> None:
    taken = EngineNetwork("traefik-proxy-alpha", {}, {}, (IPv4Network("10.1.0.0/16"),), None, internal=False)
    with pytest.raises(Conflict, match="traefik-proxy-alpha"):
        plan.prepare(wanted(), GIVEN, replace(engine(), networks=(taken,)))
    foreign = TraefikContainer("previewcloud-traefik-alpha", "", "", running=True)
    with pytest.raises(Conflict, match="previewcloud-traefik-alpha"):
        plan.prepare(wanted(), GIVEN, replace(engine(), traefik=foreign))
    assert not any(
        isinstance(piece.action, plan.RemoveContainer | plan.RemoveNetwork)
        for piece in plan.remove(wanted(), replace(engine(), traefik=foreign, networks=(taken,)))
    )


def test_subnets_of_the_hosts_routes_are_left_out_and_refused() -> None:
    busy = replace(engine(), host=replace(engine().host, routes=(IPv4Network("10.213.0.0/17"),)))
    assert plan.prepare(wanted(), GIVEN, busy).facts["proxy_subnet"] == "10.213.128.0/22"
    with pytest.raises(InvalidSpec, match="overlaps"):
        plan.prepare(wanted(proxy_subnet="10.213.4.0/22"), GIVEN, busy)


def test_an_engine_whose_builds_cannot_be_limited_says_what_to_do() -> None:
    prepared = plan.prepare(wanted(), GIVEN, replace(engine(), cgroup_driver="systemd"))
    assert "SetLimits" not in actions(prepared)
    assert any("native.cgroupdriver=cgroupfs" in piece.note for piece in prepared.pieces)


def test_the_build_cache_is_told_and_not_set() -> None:
    prepared = plan.prepare(wanted(build_cache="10GB"), GIVEN, prepared_engine())
    assert actions(prepared) == []
    assert any('"defaultKeepStorage": "10GB"' in piece.note for piece in prepared.pieces)


@pytest.mark.parametrize(
    "wrong",
    [
        {"installation": "Über"},
        {"http_port": 0},
        {"allow": ("0.0.0.0/0",)},
        {"allow": ("somewhere",)},
        {"build_memory": "lots"},
        {"build_bridge": "docker0 -j ACCEPT"},
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        wanted(**wrong)


def test_options_may_be_paths_and_sizes() -> None:
    options = wanted(build_memory="4GiB", provider_token_file="token")
    assert (options.build_memory, options.provider_token_file) == (4 * 2**30, Path("token"))


def test_the_certificates_go_with_the_installation() -> None:
    options = wanted(https_port=443, acme_email="ops@example.com")
    observed = prepared_engine(options)
    assert observed.traefik_volume == "previewcloud-traefik-alpha"
    for piece in plan.remove(options, observed):
        if piece.action is not None:
            observed = done(observed, piece.action)
    assert observed.traefik_volume is None
