"""Is an instance fit to serve, on its way, or beyond hope?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controller.core.readiness import CRASHES, QUIET_SECONDS, Verdict, judge, overdue
from controller.routing.protocol import Probe, ProbeState
from controller.runtime.protocol import Instance, InstanceSpec, InstanceState
from tests.unit.core.examples import instance, wanted

BOTH = {spec.service: spec for spec in wanted().instances or ()}
WEB, API = BOTH["web"], BOTH["api"]
READY, REFUSED = Probe(ProbeState.READY, 200), Probe(ProbeState.REFUSED)
UNKNOWN, FAILING = Probe(ProbeState.UNKNOWN), Probe(ProbeState.FAILING, 503)
WAIT, GO = Verdict(), Verdict(ready=True)


def seen(spec: InstanceSpec = WEB, **fields: Any) -> Instance:
    return instance(spec, **fields)


@pytest.mark.parametrize(
    ("spec", "found", "probe", "waited", "reason"),
    [
        pytest.param(WEB, None, READY, 0, "InstanceGone", id="removed"),
        pytest.param(WEB, seen(out_of_memory=True), READY, 0, "OutOfMemory", id="out of memory counts first"),
        pytest.param(WEB, seen(state=InstanceState.EXITED, exit_code=1), REFUSED, 0, "CrashLoop", id="ended"),
        pytest.param(
            WEB, seen(state=InstanceState.RESTARTING, restarts=CRASHES), REFUSED, 0, "CrashLoop", id="again"
        ),
    ],
)
def test_what_is_beyond_hope_says_why(
    spec: InstanceSpec, found: Instance | None, probe: Probe, waited: float, reason: str
) -> None:
    verdict = judge(spec, found, probe, waited)
    assert (verdict.ready, verdict.reason) == (False, reason)
    assert "web" in verdict.message


@pytest.mark.parametrize(
    ("spec", "found", "probe", "waited", "verdict"),
    [
        pytest.param(WEB, seen(), READY, 0, GO, id="answers"),
        pytest.param(WEB, seen(healthy=True), READY, 0, GO, id="answers and is healthy"),
        pytest.param(WEB, seen(healthy=False), READY, 99, WAIT, id="its HEALTHCHECK says no"),
        pytest.param(WEB, seen(), REFUSED, 99, WAIT, id="does not listen yet"),
        pytest.param(WEB, seen(), UNKNOWN, 99, WAIT, id="the proxy does not know it yet"),
        pytest.param(WEB, seen(), FAILING, 99, WAIT, id="answers badly"),
        pytest.param(WEB, seen(state=InstanceState.CREATED), READY, 0, WAIT, id="not started"),
        pytest.param(WEB, seen(state=InstanceState.RESTARTING, restarts=1), READY, 0, WAIT, id="one crash"),
        pytest.param(
            API, seen(API), REFUSED, QUIET_SECONDS, GO, id="private, another protocol, runs quietly"
        ),
        pytest.param(API, seen(API), REFUSED, QUIET_SECONDS - 1, WAIT, id="private, not long enough"),
        pytest.param(API, seen(API, restarts=1), REFUSED, 99, WAIT, id="private, crashed"),
        pytest.param(
            replace(API, health_path="/up"), seen(API), REFUSED, 99, WAIT, id="private with a health check"
        ),
    ],
)
def test_what_is_ready_and_what_is_on_its_way(
    spec: InstanceSpec, found: Instance, probe: Probe, waited: float, verdict: Verdict
) -> None:
    assert judge(spec, found, probe, waited) == verdict


@pytest.mark.parametrize(
    ("found", "probe", "ports", "reason", "words"),
    [
        pytest.param(
            seen(healthy=False), READY, {8080}, "HealthCheckFailing", "HEALTHCHECK", id="image's own"
        ),
        pytest.param(seen(), FAILING, {8080}, "HealthCheckFailing", "answered 503", id="answers badly"),
        pytest.param(seen(), UNKNOWN, {8080}, "ProxyUnaware", "Traefik", id="the proxy is blind"),
        pytest.param(
            seen(), REFUSED, {3000, 9999}, "PortMismatch", "3000, 9999 and not on port 8080", id="port"
        ),
        pytest.param(seen(), REFUSED, set(), "NeverListening", "0.0.0.0", id="silent"),
        pytest.param(seen(), REFUSED, {8080}, "NeverListening", "8080", id="listens elsewhere than asked"),
        pytest.param(None, REFUSED, set(), "NeverListening", "8080", id="gone"),
    ],
)
def test_what_took_too_long_is_told_apart(
    found: Instance | None, probe: Probe, ports: set[int], reason: str, words: str
) -> None:
    verdict = overdue(WEB, found, probe, frozenset(ports), 30)
    assert verdict.reason == reason
    assert words in verdict.message
    assert not verdict.ready
