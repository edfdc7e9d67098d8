"""`python -m bench [NAME…]`: run the benchmarks inside a platform and print each figure beside its aim.

The exit code is 0 when all were measured, met or not; 1 when one could not be.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp

from bench import bridge, build, databases, log_engine, log_readers, logs, start, thousand, wake
from bench.errors import BenchFailed
from bench.figures import Line
from bench.kubernetes import connected
from bench.world import World, platform_variables
from dev.progress import Progress, StepFailed

Benchmark = Callable[[World], Awaitable[list[Line]]]
BENCHMARKS: dict[str, Benchmark] = {
    "apply": start.apply,
    "many": start.many,
    "build": build.build,
    "thousand": thousand.thousand,
    "databases": databases.databases,
    "bridge": bridge.bridge,
    "wake": wake.wake,
    "logs": logs.logs,
    "log-flood": log_engine.log_flood,
    "log-quiet": log_engine.log_quiet,
    "log-readers": log_readers.log_readers,
}
FAILED, USAGE, ENDED = 1, 2, 143


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all."""
    unknown = sorted(set(names) - set(BENCHMARKS))
    if unknown:
        sys.stderr.write(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}\n")
        return USAGE
    progress = Progress()
    try:
        variables = platform_variables()
        with tempfile.TemporaryDirectory(prefix="previewcloud-bench-") as scratch:
            return asyncio.run(_run(names or list(BENCHMARKS), variables, Path(scratch), progress))
    except (BenchFailed, StepFailed) as error:
        progress.say(f"\nerror: {error}")
        return FAILED
    except asyncio.CancelledError:
        return ENDED


async def _run(names: list[str], variables: dict[str, str], scratch: Path, progress: Progress) -> int:
    task = asyncio.current_task()
    if task is not None:  # told to end, it still stops the operators that it started
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    found: list[Line] = []
    failures = 0
    timeout = aiohttp.ClientTimeout(total=5)
    # a connection per request: a kept one may end at another instance than the next request should reach
    connector = aiohttp.TCPConnector(force_close=True)
    async with connected() as kubernetes, aiohttp.ClientSession(timeout=timeout, connector=connector) as http:
        world = World(variables, scratch, kubernetes, http, progress)
        for name in names:
            began = time.monotonic()
            progress.say(f"  ....  {name}")
            try:
                lines = await BENCHMARKS[name](world)
            except (BenchFailed, StepFailed, aiohttp.ClientError) as error:
                progress.say(f"  FAIL  {name}: {error}")
                failures += 1
                continue
            progress.say(f"  done  {name} ({time.monotonic() - began:.0f} s)")
            found += lines
    _print(found, progress)
    return FAILED if failures else 0


def _print(found: list[Line], progress: Progress) -> None:
    progress.say("")
    for figure in found:
        for line in figure.lines():
            progress.say(line)
    missed = sum(figure.met is False for figure in found)
    progress.say(f"\n{missed} of {sum(figure.met is not None for figure in found)} aims missed")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
