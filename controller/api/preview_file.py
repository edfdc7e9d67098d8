"""The preview file: bytes of a repository in, services, database, env, password and policy out.

    bytes ──▶ yaml_tree ──▶ preview_file_model (keys, values) ──▶ dependencies, references ──▶ PreviewFile

Every mistake is told with file, line, place and, for a name, the nearest valid one; the first is the message,
all are the lines of the error.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain, islice

from pydantic import Field, ValidationError

from controller.api.dependencies import dependency_problems
from controller.api.errors import InvalidSpec
from controller.api.model import Model
from controller.api.nearest import shown
from controller.api.policy import Policy
from controller.api.preview_file_model import FileService, PreviewFileText, variables
from controller.api.preview_file_problems import PROBLEMS_MAX, Location, Problem, model_problems
from controller.api.references import (
    DATABASE_NAMES,
    PREVIEW_NAMES,
    database_names,
    internal_url_name,
    is_secret,
    problem,
    references,
    secret_sentence,
    url_name,
)
from controller.api.spec import Database, NamedDatabase, Service
from controller.api.spec_rules import BOTH_DATABASES
from controller.api.variables import EnvVar
from controller.api.yaml_tree import Fields, Node, YamlProblem, line_of, parse_yaml, plain

MAX_BYTES = 256 * 1024
_TOLD = 20


class PreviewFile(Model):
    """What a repository says about its previews."""

    services: tuple[Service, ...]
    database: Database | None = None
    databases: tuple[NamedDatabase, ...] = ()
    env: tuple[EnvVar, ...] = ()
    password: str | None = Field(default=None, repr=False)
    policy: Policy = Field(default_factory=Policy)


def parse_preview_file(content: bytes, path: str, max_bytes: int = MAX_BYTES) -> PreviewFile:
    """Read and check a preview file.

    Args:
        content: the file, from a stranger.
        path: its name, for messages.
        max_bytes: a larger file is refused unread.

    Raises:
        InvalidSpec: PreviewFileInvalid, as in
            `preview.yaml:7: services.web: unknown key 'prot'; did you mean 'port'?`.
    """
    if len(content) > max_bytes:
        raise _invalid(path, [(1, f"larger than {max_bytes} bytes")])
    try:
        tree = parse_yaml(content)
    except YamlProblem as error:
        raise _invalid(path, [(error.line, error.message)]) from None
    if not isinstance(tree, Fields):
        raise _invalid(path, [(tree.line, "must be a mapping with the key services")])
    return _checked(tree, path)


def _checked(tree: Fields, path: str) -> PreviewFile:
    try:
        text = PreviewFileText.model_validate(plain(tree), by_alias=True, by_name=False)
    except ValidationError as error:
        raise _told(path, tree, model_problems(error)) from None
    if problems := list(islice(chain(_one_way(text), _dependencies(text), _references(text)), PROBLEMS_MAX)):
        raise _told(path, tree, problems)
    return PreviewFile(
        services=tuple(service.service(name) for name, service in text.services.items()),
        database=text.database,
        databases=text.named_databases(),
        env=variables(text.env),
        password=text.password,
        policy=text.previewcloud,
    )


def _one_way(text: PreviewFileText) -> Iterator[Problem]:
    if text.database is not None and text.databases:
        yield Problem(("databases",), ("databases",), BOTH_DATABASES)


def _dependencies(text: PreviewFileText) -> Iterator[Problem]:
    depends_on = {name: service.depends_on for name, service in text.services.items()}
    for service, index, sentence in dependency_problems(depends_on):
        yield Problem(("services", service, "dependsOn", index), ("services", service, "dependsOn"), sentence)


def _references(text: PreviewFileText) -> Iterator[Problem]:
    known = _known_names(text, in_build=False)
    in_build = _known_names(text, in_build=True)
    hidden = {name for name in known if is_secret(name)}
    yield from _unresolved(("env",), text.env, known)
    for name, service in text.services.items():
        yield from _unresolved(("services", name, "env"), service.env, known)
        yield from _unresolved(("services", name, "buildArgs"), service.build_args, in_build, hidden)


def _known_names(text: PreviewFileText, *, in_build: bool) -> set[str]:
    """What values may refer to. The resource may bring the database: whether there is one is seen later."""
    names = {*PREVIEW_NAMES, *DATABASE_NAMES}
    names |= {name for label in text.databases for name in database_names(label)}
    names |= {url_name(name) for name, service in text.services.items() if service.public}
    names |= {
        internal_url_name(name) for name, service in text.services.items() if _reachable(service, in_build)
    }
    return {name for name in names if not (in_build and is_secret(name))}


def _reachable(service: FileService, in_build: bool) -> bool:
    """A port that the image decides is not known before the build."""
    return service.port is not None or not in_build


def _unresolved(
    place: Location, values: dict[str, str], known: set[str], hidden: Collection[str] = ()
) -> Iterator[Problem]:
    for variable, value in values.items():
        location = (*place, variable)
        try:
            unknown = dict.fromkeys(name for name in references(value) if name not in known)
        except ValueError as error:
            yield Problem(location, location, str(error))
            continue
        for name in unknown:
            sentence = secret_sentence(name) if name in hidden else _sentence(name, known)
            yield Problem(location, location, sentence)


def _sentence(name: str, known: set[str]) -> str:
    if name.endswith("_INTERNAL_URL") and f"{name.removesuffix('_INTERNAL_URL')}_URL" in known:
        return f"${{{name}}} is known before the build only when that service has a port here"
    return problem(name, known)


def _told(path: str, tree: Node, problems: list[Problem]) -> InvalidSpec:
    located = [(line_of(tree, item.location), f"{item.place}{item.sentence}") for item in problems]
    return _invalid(path, sorted(set(located)))


def _invalid(path: str, found: list[tuple[int, str]]) -> InvalidSpec:
    name = path if path.isprintable() and len(path) <= 512 else shown(path)
    lines = tuple(f"{name}:{line}: {sentence}" for line, sentence in found)
    more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    return InvalidSpec("PreviewFileInvalid", f"{lines[0]}{more}", lines[:_TOLD] if more else ())
