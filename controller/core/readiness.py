"""Readiness: is an instance fit to serve, on its way, or beyond hope? One pure judgement, and the loop that
asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.api.errors import InvalidSpec, NotReady
from controller.clock import Clock
from controller.routing.protocol import Probe, ProbeState, Router
from controller.runtime.protocol import Instance, InstanceSpec, InstanceState, Runtime

CRASHES = 3
"""Ends of an instance before it counts as a crash loop."""
QUIET_SECONDS = 5.0
"""A private service without a health check may speak another protocol than HTTP: running this long is
enough.
"""
TAIL_LINES = 20
FIRST_PAUSE, LAST_PAUSE = 0.02, 0.5
LOOK_SECONDS = 0.2
"""A probe is cheap; looking at the engine is not, and tells nothing new until something answers or ends."""


@dataclass(frozen=True)
class Verdict:
    """`ready`, or `reason` why it never will be; neither: not yet."""

    ready: bool = False
    reason: str = ""
    message: str = ""


def judge(spec: InstanceSpec, instance: Instance | None, probe: Probe, waited: float) -> Verdict:
    """What to think of an instance after `waited` seconds."""
    if instance is None:
        return Verdict(
            reason="InstanceGone", message=f"{spec.service}: its container was removed while it started."
        )
    if instance.out_of_memory:
        limit = spec.memory_bytes // 1024**2
        return Verdict(
            reason="OutOfMemory",
            message=f"{spec.service} needed more than its {limit}Mi of memory; raise resources.memory.",
        )
    ended = instance.state is InstanceState.RESTARTING and instance.restarts >= CRASHES
    if instance.state is InstanceState.EXITED or ended:
        code = "" if instance.exit_code is None else f" with exit code {instance.exit_code}"
        return Verdict(
            reason="CrashLoop", message=f"{spec.service} ended{code} instead of serving; see its last lines."
        )
    if instance.state is not InstanceState.RUNNING or instance.healthy is False:
        return Verdict()
    if probe.state is ProbeState.READY:
        return Verdict(ready=True)
    speaks_http = spec.route.public or spec.health_path is not None
    quiet = not speaks_http and instance.restarts == 0 and waited >= QUIET_SECONDS
    return Verdict(ready=quiet)


def overdue(
    spec: InstanceSpec, instance: Instance | None, probe: Probe, ports: frozenset[int], timeout: float
) -> Verdict:
    """Why an instance is still not ready after its whole time, as precisely as can be told."""
    name, limit = spec.service, f"{timeout:.0f} s"
    if instance is not None and instance.healthy is False:
        return Verdict(
            reason="HealthCheckFailing", message=f"{name}: its image's HEALTHCHECK failed for {limit}."
        )
    if probe.state is ProbeState.FAILING:
        return Verdict(
            reason="HealthCheckFailing",
            message=f"{name}: GET {spec.health_path or '/'} {_answered(probe)} for {limit}, not 200-399.",
        )
    if probe.state is ProbeState.UNKNOWN:
        return Verdict(
            reason="ProxyUnaware",
            message=f"{name}: the proxy did not pick it up within {limit}; is Traefik running?",
        )
    if ports and spec.port not in ports:
        listed = ", ".join(str(port) for port in sorted(ports))
        return Verdict(
            reason="PortMismatch",
            message=f"{name} listens on {listed} and not on port {spec.port}; set port, or listen there.",
        )
    return Verdict(
        reason="NeverListening",
        message=f"{name} did not listen on port {spec.port} of all addresses (0.0.0.0) within {limit}.",
    )


def _answered(probe: Probe) -> str:
    return "did not answer" if probe.status is None else f"answered {probe.status}"


@dataclass(frozen=True)
class Waiting:
    """What waiting needs: where to look, and how long."""

    runtime: Runtime
    router: Router
    clock: Clock
    timeout: float


async def await_ready(spec: InstanceSpec, parts: Waiting) -> None:
    """Wait until one instance is ready.

    Raises:
        InvalidSpec: it never will be; with the cause and its last lines.
        NotReady: the proxy does not know it, which is not its author's fault.
    """
    began = parts.clock.monotonic()
    look_at = 0.0
    pause = FIRST_PAUSE
    while True:
        probe = await parts.router.probe(spec.name, spec.health_path)
        waited = parts.clock.monotonic() - began
        if probe.state is ProbeState.READY or waited >= min(look_at, parts.timeout):
            look_at = waited + LOOK_SECONDS
            verdict = await _verdict(spec, parts, probe, waited)
            if verdict.ready:
                return
            if verdict.reason:
                lines = await parts.runtime.tail(spec.name, TAIL_LINES)
                kind = NotReady if verdict.reason in ("ProxyUnaware", "InstanceGone") else InvalidSpec
                raise kind(verdict.reason, verdict.message, lines)
        await parts.clock.sleep(pause)
        pause = min(pause * 1.3, LAST_PAUSE)


async def _verdict(spec: InstanceSpec, parts: Waiting, probe: Probe, waited: float) -> Verdict:
    state = await parts.runtime.observe(spec.preview)
    instance = next((i for i in state.instances if i.name == spec.name), None)
    verdict = judge(spec, instance, probe, waited)
    if verdict.ready or verdict.reason or waited < parts.timeout:
        return verdict
    ports = await parts.runtime.listening_ports(spec.name)
    return overdue(spec, instance, probe, ports, parts.timeout)
