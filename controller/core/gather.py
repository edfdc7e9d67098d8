"""Gather: everything that decides what should be, fetched before anything is decided.

    Preview ──▶ trust ──▶ source at commit ──▶ preview file ──▶ Secrets ──▶ logins of databases ──▶ Inputs

Reads only. What a fork may not have is left out here: no Secret of the repository, its file from the base.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from controller.api import names
from controller.api.errors import Conflict, InvalidSpec
from controller.api.preview import Preview
from controller.api.preview_file import PreviewFile, parse_preview_file
from controller.api.spec import Database, PreviewSpec, Service, Source, Trust
from controller.api.variables import EnvVar
from controller.cluster.protocol import Cluster
from controller.core.databases import ROTATION, login_keys, template_key
from controller.core.inputs import AskedDatabase, Inputs
from controller.core.secrets import SecretReader
from controller.databases.ledger import read_scripts
from controller.databases.protocol import DatabaseServer
from controller.source.protocol import SourceRef, SourceStore, Tree

FILE_BYTES = 256 * 1024


@dataclass(frozen=True)
class Sources:
    """Where inputs come from."""

    cluster: Cluster
    source: SourceStore
    databases: Mapping[str, DatabaseServer]
    make_password: Callable[[], str]
    hash_password: Callable[[str, str], Awaitable[str]]
    """(salt, password) to an htpasswd line of user `preview`; the same in, the same out."""


@dataclass(frozen=True)
class Gathered:
    """The inputs, with what else the work needs."""

    inputs: Inputs
    tree: Tree | None
    secrets: frozenset[str] = field(default_factory=frozenset, repr=False)
    """Every secret value that may turn up in output."""


@dataclass(frozen=True)
class Wanted:
    """Services, databases and env, from the spec or the preview file."""

    services: tuple[Service, ...]
    databases: Mapping[str, Database]
    """By label; the only one has none."""
    env: tuple[EnvVar, ...]
    password: str | None = field(default=None, repr=False)


async def gather(preview: Preview, slug: str, sources: Sources) -> Gathered:
    """Fetch all that decides what should be.

    Raises:
        PreviewError: as the source, the file, a Secret or a rule about forks has it.
    """
    check_trust(preview.spec.source)
    secrets = SecretReader(sources.cluster, preview)
    wanted, tree = await _wanted(preview, sources, secrets)
    asked, rotation = await _databases(preview, wanted.databases, tree, sources)
    password = wanted.password or await secrets.password()
    users = await sources.hash_password(f"{preview.key}/{slug}", password) if password else None
    inputs = Inputs(
        preview=preview.key,
        slug=slug,
        source=preview.spec.source,
        services=wanted.services,
        env=await secrets.env(wanted.env),
        service_env={service.name: await secrets.env(service.env) for service in wanted.services},
        secrets=await secrets.injected(),
        asked=asked,
        rotation=rotation,
        users=users,
        registry=await secrets.registry(tuple(s.image for s in wanted.services if s.image)),
        redeploy=_wish(preview, names.REDEPLOY),
        incarnation=preview.incarnation,
    )
    passwords = (password, *(database.password for database in asked))
    known = frozenset(value for value in (*secrets.values, *passwords) if value)
    return Gathered(inputs=replace(inputs, secret_values=known), tree=tree, secrets=known)


def check_trust(source: Source) -> None:
    """Refuse a fork's commit that nobody approved.

    Raises:
        InvalidSpec: NotApproved.
    """
    if source.trust is Trust.FORK and source.approved_commit != source.commit:
        raise InvalidSpec(
            "NotApproved",
            f"Commit {source.commit[:12]} comes from a fork; someone with write permission must approve this "
            "very commit (spec.source.approvedCommit).",
        )


async def _wanted(preview: Preview, sources: Sources, secrets: SecretReader) -> tuple[Wanted, Tree | None]:
    spec = preview.spec
    file: PreviewFile | None = None
    tree: Tree | None = None
    if not spec.services:
        file = await _preview_file(spec.source, sources, secrets)
    services = spec.services or (file.services if file else ())
    if not services:
        raise InvalidSpec("NoServices", f"{spec.source.config_path} and spec.services name no service.")
    databases = _by_label(spec) or (_by_label(file) if file else {})
    scripted = any(database.migrations or database.seed for database in databases.values())
    if scripted or any(service.image is None for service in services):
        tree = await _fetch(spec.source, spec.source.commit, sources, secrets)
    env = (*(file.env if file else ()), *spec.env)
    return Wanted(services, databases, env, file.password if file else None), tree


async def _preview_file(source: Source, sources: Sources, secrets: SecretReader) -> PreviewFile:
    commit = source.commit
    if source.trust is Trust.FORK:
        if source.config_commit is None:
            raise InvalidSpec(
                "ConfigCommitMissing",
                "A fork's preview file is read from the base: give source.configCommit, or services.",
            )
        commit = source.config_commit
    tree = await _fetch(source, commit, sources, secrets)
    return parse_preview_file(await tree.read(source.config_path, FILE_BYTES), source.config_path)


async def _fetch(source: Source, commit: str, sources: Sources, secrets: SecretReader) -> Tree:
    if source.clone_url is None:
        raise InvalidSpec("SourceMissing", "spec.source.cloneURL is needed to read the repository; give it.")
    login = await secrets.git(source.clone_url)
    return await sources.source.fetch(SourceRef(source.repository, source.clone_url, commit, login))


def _by_label(where: PreviewSpec | PreviewFile) -> dict[str, Database]:
    named: dict[str, Database] = {database.name: database for database in where.databases}
    return {"": where.database} if where.database is not None else named


def _wish(preview: Preview, annotation: str) -> str:
    return preview.metadata.annotations.get(annotation, "")


async def _databases(
    preview: Preview, wanted: Mapping[str, Database], tree: Tree | None, sources: Sources
) -> tuple[tuple[AskedDatabase, ...], str]:
    """What is asked of each database, and the wish for other passwords that these passwords meet.

    A password is the one that is stored, else a new one.
    """
    if not wanted:
        return (), ""
    name = names.database_secret_name(preview.metadata.name)
    secret = await sources.cluster.secret(preview.metadata.namespace, name)
    if secret is not None and secret.labels.get(names.PREVIEW_LABEL) != preview.metadata.name:
        raise Conflict("SecretTaken", f"Secret {name} exists and is not this Preview's; rename or delete it.")
    stored = dict(secret.data) if secret else {}
    met, rotation = stored.get(ROTATION, ""), _wish(preview, names.ROTATE_CREDENTIALS)
    if rotation and stored and rotation != met:
        stored = {}
    asked = []
    for label, database in wanted.items():
        password = stored.get(login_keys(label)[1]) or sources.make_password()
        asked.append(await _asked(preview, label, database, password, tree, sources))
    return tuple(asked), rotation or met


async def _asked(  # noqa: PLR0913, PLR0917 - one argument per source of facts
    preview: Preview, label: str, wanted: Database, password: str, tree: Tree | None, sources: Sources
) -> AskedDatabase:
    server = sources.databases.get(wanted.type)
    if server is None:
        raise InvalidSpec(
            "DatabaseUnavailable",
            f"No {wanted.type} server is configured here; ask for one, or use another type.",
        )
    scripts = (
        await read_scripts(tree, wanted.migrations, wanted.seed, server.formats) if tree is not None else ()
    )
    source = preview.spec.source
    decisive = (source.repository.lower(), source.trust or Trust.TRUSTED, wanted.type, *wanted.extensions)
    ran = (f"{script.kind} {script.name} {script.checksum}" for script in scripts)
    return AskedDatabase(
        label=label,
        type=wanted.type,
        password=password,
        scripts=scripts,
        extensions=wanted.extensions,
        template=template_key((*decisive, *ran)) if scripts else "",
        wish=_wish(preview, names.RESET_DATABASE),
    )
