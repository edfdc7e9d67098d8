"""Memory and process limits for all RUN steps of builds together.

The engine's own BuildKit runs each step in a control group below `<parent>/buildkit` when it manages cgroupfs
itself; a limit on that parent holds for all steps. With the systemd driver the steps' scopes stand beside
those of everything else, and there is no such parent: then the plan says what to change in daemon.json
instead.
"""

from __future__ import annotations

from dataclasses import dataclass

CGROUPS = "/host/cgroup"

OBSERVE = f"""
cd {CGROUPS} 2>/dev/null || exit 0
if [ -e cgroup.controllers ]; then
    echo version 2
    echo memory $(cat docker/buildkit/memory.max 2>/dev/null)
    echo pids $(cat docker/buildkit/pids.max 2>/dev/null)
else
    echo version 1
    echo memory $(cat memory/docker/buildkit/memory.limit_in_bytes 2>/dev/null)
    echo pids $(cat pids/docker/buildkit/pids.max 2>/dev/null)
fi
"""

# Arguments: memory in bytes or "max", pids or "max". Swap is limited along with memory, where it is counted.
APPLY = f"""
set -e
memory=$1 pids=$2
cd {CGROUPS}
if [ -e cgroup.controllers ]; then
    mkdir -p docker/buildkit
    for group in . docker; do echo "+memory +pids" > $group/cgroup.subtree_control; done
    echo $memory > docker/buildkit/memory.max
    [ ! -e docker/buildkit/memory.swap.max ] || [ $memory = max ] || echo 0 > docker/buildkit/memory.swap.max
    echo $pids > docker/buildkit/pids.max
else
    mkdir -p memory/docker/buildkit pids/docker/buildkit
    [ $memory != max ] || memory=-1
    group=memory/docker/buildkit
    [ ! -e $group/memory.memsw.limit_in_bytes ] || echo -1 > $group/memory.memsw.limit_in_bytes
    echo $memory > $group/memory.limit_in_bytes
    [ ! -e $group/memory.memsw.limit_in_bytes ] || echo $memory > $group/memory.memsw.limit_in_bytes
    echo $pids > pids/docker/buildkit/pids.max
fi
"""

_PAGE = 4096
_UNLIMITED = 2**62  # cgroup v1 shows "no limit" as the largest page-aligned number


@dataclass(frozen=True)
class Limits:
    """What all build steps together may use; None is no limit."""

    memory: int | None = None
    pids: int | None = None

    def arguments(self) -> tuple[str, str]:
        """The two arguments of `APPLY`."""
        return (str(self.memory or "max"), str(self.pids or "max"))

    def __str__(self) -> str:
        memory = f"{self.memory // 2**20} MiB" if self.memory else "unlimited"
        return f"memory {memory}, processes {self.pids or 'unlimited'}"


def parse_limits(text: str) -> Limits:
    """Limits from the lines of `OBSERVE`."""
    values = {words[0]: words[1] for line in text.splitlines() if len(words := line.split()) == 2}

    def number(name: str) -> int | None:
        value = values.get(name, "max")
        return None if not value.isdigit() or int(value) >= _UNLIMITED else int(value)

    return Limits(number("memory"), number("pids"))


def desired_limits(
    memory: int | None, pids: int, total_memory: int, observed: Limits, *, shared: bool
) -> Limits:
    """The limits to set.

    Args:
        memory: bytes asked for; None is half of what the engine has.
        pids: processes and threads asked for.
        total_memory: bytes that the engine's host has.
        observed: what is set now.
        shared: another installation stands on this engine too; then the larger limits hold.
    """
    wanted = Limits(max(memory or total_memory // 2, 64 * 2**20) // _PAGE * _PAGE, pids)
    if not shared:
        return wanted
    return Limits(_larger(wanted.memory, observed.memory), _larger(wanted.pids, observed.pids))


def _larger(wanted: int | None, observed: int | None) -> int | None:
    return wanted if wanted is None or observed is None else max(wanted, observed)
