"""Which service waits for which: the mistakes that `dependsOn` allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from controller.api.nearest import hint


def dependency_problems(depends_on: Mapping[str, Sequence[str]]) -> list[tuple[str, int, str]]:
    """Every wrong entry, as (service, index in its dependsOn, sentence).

    Args:
        depends_on: each service's name and the names that it waits for.
    """
    found = []
    for service, names in depends_on.items():
        for index, name in enumerate(names):
            if name == service:
                found.append((service, index, f"{service!r} waits for itself"))
            elif name not in depends_on:
                found.append((service, index, f"there is no service {name!r}{hint(name, depends_on)}"))
            elif name in names[:index]:
                found.append((service, index, f"{name!r} stands there twice"))
    return found or _cycles(depends_on)


def _cycles(depends_on: Mapping[str, Sequence[str]]) -> list[tuple[str, int, str]]:
    """The first cycle, told at the entry that closes it."""
    done: set[str] = set()
    for start in depends_on:
        path = _cycle_from(start, depends_on, done, ())
        if path:
            index = list(depends_on[path[-2]]).index(path[-1])
            return [(path[-2], index, f"the services wait for each other: {' -> '.join(path)}")]
    return []


def _cycle_from(
    service: str, depends_on: Mapping[str, Sequence[str]], done: set[str], above: tuple[str, ...]
) -> tuple[str, ...]:
    if service in above:
        return (*above[above.index(service) :], service)
    if service in done:
        return ()
    for name in depends_on[service]:
        cycle = _cycle_from(name, depends_on, done, (*above, service))
        if cycle:
            return cycle
    done.add(service)
    return ()
