"""Desired and observed states to plan with, made from a preview file."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from controller.api.names import PreviewKey, database_name
from controller.api.preview import Preview
from controller.api.preview_file import parse_preview_file
from controller.api.spec import Source
from controller.core.databases import secret_data
from controller.core.desired import Desired, desired
from controller.core.inputs import DatabaseInputs, Inputs, Rules
from controller.core.observed import Observed, StoredSecret
from controller.databases.protocol import (
    Applied,
    Credentials,
    DatabaseClaim,
    DatabaseState,
    Script,
    ScriptKind,
)
from controller.runtime.memory_model import image_info
from controller.runtime.protocol import (
    ImageInfo,
    Instance,
    InstanceSpec,
    InstanceState,
    Network,
    OwnImage,
    RuntimeState,
)
from tests.unit.core.world import COMMIT_A, FILE

KEY = PreviewKey("default", "pr-1")
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
RULES = Rules("test", "localhost")
PASSWORD = "s3cret-of-the-database"
LONE = "services: {web: {port: 8080}}"
SCRIPT = Script(ScriptKind.MIGRATION, "001_items.sql", "c" * 64, b"create table items ();")


def source(commit: str = COMMIT_A, **fields: Any) -> Source:
    body = {"repository": "acme/shop", "pullRequest": 1, "trust": "trusted", "commit": commit, **fields}
    return Source.model_validate(body)


def inputs(file: str | bytes = FILE, commit: str = COMMIT_A, **fields: Any) -> Inputs:
    """Inputs as `gather` makes them from a preview file."""
    parsed = parse_preview_file(file.encode() if isinstance(file, str) else file, "preview.yaml")
    databases = () if parsed.database is None else (database(parsed.database.type),)
    made = Inputs(
        preview=KEY,
        slug="pr-1",
        source=source(commit),
        services=parsed.services,
        env={variable.name: variable.value or "" for variable in parsed.env},
        service_env={s.name: {v.name: v.value or "" for v in s.env} for s in parsed.services},
        databases=databases,
    )
    return replace(made, **fields)


def database(kind: str = "postgres", label: str = "", generation: int = 1, **fields: Any) -> DatabaseInputs:
    """A database as it is chosen."""
    name = database_name("pr-1", label, generation)
    url = f"postgresql://{name}:{PASSWORD}@db:5432/{name}"
    claim, login = DatabaseClaim(name, KEY, "pr-1"), Credentials(name, PASSWORD)
    return replace(DatabaseInputs(label, kind, claim, login, url, (SCRIPT,)), **fields)


def images_of(wanted: Desired, port: int | None = 8080) -> dict[str, ImageInfo]:
    return {image.reference: image_info(image.reference, port) for image in wanted.images}


def wanted(file: str | bytes = FILE, commit: str = COMMIT_A, rules: Rules = RULES, **fields: Any) -> Desired:
    """What should be, once all images are there."""
    given = inputs(file, commit, **fields)
    return desired(replace(given, images=images_of(desired(given, rules))), rules)


def instance(spec: InstanceSpec, **fields: Any) -> Instance:
    """An instance that runs as it was described."""
    networks = frozenset() if spec.network is None else frozenset({spec.network})
    same = ("name", "preview", "slug", "service", "revision", "config_hash", "commit", "image", "route")
    made = Instance(
        **{name: getattr(spec, name) for name in same},
        state=InstanceState.RUNNING,
        networks=networks,
        started_at=NOW,
    )
    return replace(made, **fields)


def there(want: Desired, *, published: bool = True) -> Observed:
    """Everything as desired."""
    instances = tuple(instance(spec) for spec in want.instances or ())
    networks = (Network(want.network.name, KEY, want.network.revision),) if want.network else ()
    built = tuple(OwnImage(image.reference, KEY) for image in want.images if image.build)
    databases: dict[str, tuple[DatabaseState, ...]] = {}
    for each in want.databases:
        ledger = tuple(Applied(s.kind, s.name, s.checksum) for s in each.scripts)
        state = DatabaseState(each.claim.name, exists=True, ledger=ledger)
        databases[each.type] = (*databases.get(each.type, ()), state)
    secret = StoredSecret(secret_data(want.databases, want.rotation)) if want.databases else None
    return Observed(
        runtime=RuntimeState(instances, networks, built),
        images=images_of(want),
        databases=databases,
        secret=secret,
        published=want.revision if published else None,
    )


def beside(first: Observed, second: Observed, published: str | None) -> Observed:
    """Two revisions at once."""
    a, b = first.runtime, second.runtime
    runtime = RuntimeState(a.instances + b.instances, a.networks + b.networks, a.images + b.images)
    return replace(second, runtime=runtime, published=published)


def preview(**fields: Any) -> Preview:
    body: dict[str, Any] = {
        "metadata": {"name": "pr-1", "namespace": "default", "uid": "u", "generation": 3},
        "spec": {
            "source": {"repository": "acme/shop", "pullRequest": 1, "trust": "trusted", "commit": COMMIT_A}
        },
    }
    body["metadata"] |= fields.pop("metadata", {})
    body["spec"]["source"] |= fields.pop("source", {})
    body["spec"] |= fields
    return Preview.model_validate(body)
