"""What a Dockerfile may not ask of the engine itself. Pure: text in, InvalidSpec out.

RUN steps are held by the firewall; but ADD of a URL, a base image's registry and a foreign frontend are
fetched by the engine on the host's own network, where nothing tells them from the engine's own traffic. So
they are refused before the build. Which lines belong together depends on the engine's version and on what a
here-document is to it: every reading that some engine has is checked, what nobody can be sure of is refused.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from controller.api.errors import InvalidSpec
from controller.api.images import names_own_host

FRONTEND = re.compile(r"(docker\.io/)?docker/dockerfile(:[\w.-]+)?(@sha256:[0-9a-f]{64})?")
RESERVED_ARGUMENTS = "BUILDKIT_"
COMBINATIONS = 64
_SYNTAX = re.compile(r"\s*(?:#|//)\s*syntax\s*=\s*(.*?)\s*", re.IGNORECASE)
_INSTRUCTION = re.compile(r"\s*(?:ONBUILD\s+)*(ADD|FROM|COPY|RUN|ARG)\s+(.*)", re.IGNORECASE | re.DOTALL)
_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*:|[^/]*@[^/]*:|github\.com/|.*\.git(?:[#?].*)?$", re.IGNORECASE)
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::-([^}$]*))?\}|(\w+))")
_FROM_OPTION = re.compile(r"(?:^|[\s,-])from=([^\s,]+)", re.IGNORECASE)
_QUOTES = str.maketrans("", "", "\"'\\`")
_ESCAPE = re.compile(r"^\s*#\s*escape\s*=", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Line:
    """One instruction as some engine may read it, and the number of its first line."""

    number: int
    text: str


def check_dockerfile(service: str, text: str, arguments: Mapping[str, str]) -> None:
    """Refuse what the engine would fetch from where only the platform should reach.

    Raises:
        InvalidSpec: DockerfileRefused, with the line and what to write instead.
    """
    for name in arguments:
        if name.upper().startswith(RESERVED_ARGUMENTS):
            raise _refused(service, None, f"build argument {name} is the platform's own; leave it out")
    text = text.removeprefix("\ufeff")
    _check_head(service, text)
    for lines in readings(text):
        known = _known(lines, arguments)
        for line in lines:
            _check(service, line, known)


def readings(text: str) -> Iterator[tuple[Line, ...]]:
    """The ways in which the text falls into instructions; a line ends at a line feed and nothing else."""
    raw = tuple(Line(number, line) for number, line in enumerate(text.split("\n"), 1))
    yield tuple(Line(line.number, re.sub(r"[\\`]\s*$", "", line.text)) for line in raw)
    bare = [line for line in raw if line.text.strip() and not line.text.lstrip().startswith("#")]
    for escape in "\\`" if _ESCAPE.search(text) else "\\":
        mark = re.escape(escape)
        # Older engines take a doubled escape character at a line's end for a continuation too.
        for continued in (rf"{mark}[ \t\r]*$", rf"(?<!{mark}){mark}[ \t\r]*$"):
            yield tuple(_joined(bare, re.compile(continued)))


def _joined(lines: list[Line], continued: re.Pattern[str]) -> Iterator[Line]:
    pending: Line | None = None
    for line in lines:
        whole = line if pending is None else Line(pending.number, pending.text + line.text)
        more = continued.search(whole.text)
        pending = None if more is None else Line(whole.number, whole.text[: more.start()])
        if pending is None:
            yield whole
    if pending is not None:
        yield pending


def _check_head(service: str, text: str) -> None:
    """The comments before the first instruction, where a frontend can be named."""
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if stripped.startswith("{"):
            raise _refused(service, number, "JSON is read by a foreign frontend only; write a Dockerfile")
        if stripped and not stripped.startswith(("#", "//")):
            return
        found = _SYNTAX.fullmatch(line)
        if found is not None and not FRONTEND.fullmatch(found[1]):
            raise _refused(
                service,
                number,
                f"`# syntax={found[1][:100]}` names a foreign frontend; use docker/dockerfile:1",
            )


def _known(lines: tuple[Line, ...], arguments: Mapping[str, str]) -> dict[str, set[str]]:
    """All values that a build argument may have: which one counts where is the engine's affair."""
    known = {name: {value} for name, value in arguments.items()}
    for line in lines:
        found = _INSTRUCTION.fullmatch(line.text)
        if found is not None and found[1].upper() == "ARG":
            for word in found[2].split():
                name, _, value = word.partition("=")
                known.setdefault(name.translate(_QUOTES), set()).add(value.translate(_QUOTES))
    return known


def _check(service: str, line: Line, known: Mapping[str, set[str]]) -> None:
    found = _INSTRUCTION.fullmatch(line.text)
    if found is None:
        return
    name, rest = found[1].upper(), found[2]
    if name == "ADD":
        _check_add(service, line.number, rest)
    elif name == "FROM":
        words = [word for word in rest.split() if not word.startswith("--")]
        _check_image(service, line.number, words[0] if words else "", known)
    elif name in ("COPY", "RUN"):
        for image in _FROM_OPTION.findall(rest.translate(_QUOTES)):
            if names_own_host(image):
                raise _own_host(service, line.number, image)


def _check_add(service: str, number: int, rest: str) -> None:
    for word in _added(rest):
        before, variable, _ = word.partition("$")
        unclear = word.translate(_QUOTES) != word or (variable and "/" not in before)
        if unclear or _REMOTE.match(word):
            raise _refused(
                service,
                number,
                f"ADD {word[:100]}: ADD takes plainly written files of the repository only; fetch URLs in a "
                "RUN step, or use COPY",
            )


def _added(rest: str) -> list[str]:
    """What an ADD adds, in either of its forms."""
    words = list(itertools.dropwhile(lambda word: word.startswith("--"), rest.split()))
    try:
        listed = json.loads(" ".join(words))
    except ValueError:
        return words
    return [str(word) for word in listed] if isinstance(listed, list) else words


def _check_image(service: str, number: int, reference: str, known: Mapping[str, set[str]]) -> None:
    parts = _VARIABLE.split(reference.strip("\"'"))
    choices: list[list[str]] = [[parts[0]]]
    for braced, default, bare, literal in zip(*(parts[at::4] for at in (1, 2, 3, 4)), strict=True):
        values = known.get(braced or bare, set()) | {default or ""}
        choices += [sorted(values), [literal]]
    images = list(itertools.islice(map("".join, itertools.product(*choices)), COMBINATIONS + 1))
    for image in images:
        if "$" in image or image.translate(_QUOTES) != image or len(images) > COMBINATIONS:
            raise _refused(
                service, number, f"{reference} cannot be resolved here; write the image's name out"
            )
        if names_own_host(image):
            raise _own_host(service, number, image)


def _own_host(service: str, number: int, image: str) -> InvalidSpec:
    return _refused(service, number, f"{image} names an address of the engine's own host as its registry")


def _refused(service: str, number: int | None, why: str) -> InvalidSpec:
    where = f"Dockerfile of {service}" if number is None else f"Dockerfile of {service}, line {number}"
    return InvalidSpec("DockerfileRefused", f"{where}: {why}.")
