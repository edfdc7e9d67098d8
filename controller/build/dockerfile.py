"""What a Dockerfile may not ask of the engine itself. Pure: text in, InvalidSpec out.

RUN steps are held by the firewall; but ADD of a URL, a base image's registry and a foreign frontend are
fetched by the engine on the host's own network, where nothing tells them from the engine's own traffic. So
they are refused before the build.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from controller.api.errors import InvalidSpec
from controller.api.images import names_own_host

FRONTEND = re.compile(r"(docker\.io/)?docker/dockerfile(:[\w.-]+)?(@sha256:[0-9a-f]{64})?")
RESERVED_ARGUMENTS = "BUILDKIT_"
_DIRECTIVE = re.compile(r"(?:#|//)\s*(\w+)\s*=\s*(.*\S)\s*")
_HEREDOC = re.compile(r"""\d*<<-?(["']?)([A-Za-z_][A-Za-z0-9_]*)\1""")
_REMOTE = re.compile(r"^[\"'\[]*([a-z][a-z0-9+.-]*://|git@|github\.com/)|\.git([#?].*)?$", re.IGNORECASE)
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::-([^}$]*))?\}|(\w+))")
_FROM_OPTION = re.compile(r"(?:^|[\s,])(?:--)?from=([^\s,]+)")


@dataclass(frozen=True)
class Instruction:
    """One logical line: continuation lines joined, its first line's number."""

    line: int
    name: str
    rest: str


def check_dockerfile(service: str, text: str, arguments: Mapping[str, str]) -> None:
    """Refuse what the engine would fetch from where only the platform should reach.

    Raises:
        InvalidSpec: DockerfileRefused, with the line and what to write instead.
    """
    for name in arguments:
        if name.upper().startswith(RESERVED_ARGUMENTS):
            raise _refused(service, None, f"build argument {name} is the platform's own; leave it out")
    if text.removeprefix("\ufeff").lstrip().startswith("{"):
        raise _refused(service, 1, "it is JSON, which only a foreign frontend reads; write a Dockerfile")
    syntax = _directives(text).get("syntax")
    if syntax is not None and not FRONTEND.fullmatch(syntax):
        raise _refused(service, 1, f"`# syntax={syntax}` names a foreign frontend; use docker/dockerfile:1")
    known: dict[str, str] = {}
    for found in instructions(text):
        _check(service, found, known, arguments)


def instructions(text: str) -> Iterator[Instruction]:
    """The instructions of a Dockerfile; lines of a here-document are given one by one, with the name `<<`."""
    escape = "`" if _directives(text).get("escape") == "`" else "\\"
    pending: list[str] = []
    ends: list[str] = []
    first = 0
    for number, raw in enumerate(text.splitlines(), 1):
        stripped = raw.strip()
        if ends:
            if stripped == ends[0]:
                ends.pop(0)
            else:
                yield Instruction(number, "<<", stripped)
            continue
        if not stripped or stripped.startswith("#"):
            continue
        first = first if pending else number
        pending.append(stripped.removesuffix(escape).strip() if stripped.endswith(escape) else stripped)
        if not stripped.endswith(escape):
            logical, pending = " ".join(pending), []
            ends = _heredocs(logical)
            yield _instruction(first, logical)
    if pending:
        yield _instruction(first, " ".join(pending))


def _instruction(line: int, logical: str) -> Instruction:
    name, _, rest = logical.partition(" ")
    if name.upper() == "ONBUILD":
        return _instruction(line, rest.strip())
    return Instruction(line, name.upper(), rest.strip())


def _heredocs(logical: str) -> list[str]:
    """The ends to wait for. A mark behind a quote is text: rather too few lines are skipped than too many."""
    if logical.split(" ", 1)[0].upper() not in ("RUN", "COPY", "ADD"):
        return []
    ends = []
    for word in logical.split():
        if (mark := _HEREDOC.fullmatch(word)) is not None:
            ends.append(mark[2])
        elif '"' in word or "'" in word:
            break
    return ends


def _directives(text: str) -> dict[str, str]:
    """Parser directives: `# name=value` (or `// name=value`) lines before anything but a shebang."""
    found: dict[str, str] = {}
    lines = text.removeprefix("\ufeff").splitlines()
    for raw in lines[1:] if lines and lines[0].startswith("#!") else lines:
        match = _DIRECTIVE.fullmatch(raw.strip())
        if match is None:
            break
        found[match[1].lower()] = match[2]
    return found


def _check(service: str, found: Instruction, known: dict[str, str], arguments: Mapping[str, str]) -> None:
    if found.name == "<<":
        inner = _instruction(found.line, found.rest)
        if inner.name == "ADD":
            _check_add(service, inner, variables=False)
    elif found.name == "ADD":
        _check_add(service, found, variables=True)
    elif found.name == "ARG":
        for word in found.rest.split():
            name, _, value = word.partition("=")
            known[name] = arguments.get(name, value.strip("\"'"))
    elif found.name == "FROM":
        words = [word for word in found.rest.split() if not word.startswith("--")]
        _check_image(service, found.line, words[0] if words else "", known)
    elif found.name in ("COPY", "RUN"):
        options = " ".join(word for word in found.rest.split() if word.startswith("--"))
        for image in _FROM_OPTION.findall(options):
            _check_image(service, found.line, image, known)


def _check_add(service: str, found: Instruction, *, variables: bool) -> None:
    words = [word.strip("\"',[]") for word in found.rest.split() if not word.startswith("--")]
    for source in words[:-1]:
        if _REMOTE.search(source) or (variables and "$" in source):
            raise _refused(
                service,
                found.line,
                "ADD takes files of the repository only; fetch URLs in a RUN step, or use COPY",
            )


def _check_image(service: str, line: int, reference: str, known: Mapping[str, str]) -> None:
    def value(match: re.Match[str]) -> str:
        return known.get(match[1] or match[3]) or match[2] or ""

    image = _VARIABLE.sub(value, reference.strip("\"'"))
    if "$" in image:
        raise _refused(service, line, f"{reference} cannot be resolved here; write the image's name out")
    if names_own_host(image):
        raise _refused(service, line, f"{image} names an address of the engine's own host as its registry")


def _refused(service: str, line: int | None, why: str) -> InvalidSpec:
    where = f"Dockerfile of {service}" if line is None else f"Dockerfile of {service}, line {line}"
    return InvalidSpec("DockerfileRefused", f"{where}: {why}.")
