"""What must hold between the fields of the resource, as CEL: the API server refuses what breaks it."""

from __future__ import annotations


def unchanging(field: str) -> dict[str, str]:
    """A required field stays what it was."""
    return {
        "rule": f"self.{field} == oldSelf.{field}",
        "message": "cannot change: delete the Preview and create another",
        "fieldPath": f".{field}",
    }


def unchanging_optional(field: str) -> dict[str, str]:
    """An optional field stays what it was, also absent: taking it away and setting it again is a change."""
    same = f"has(self.{field}) == has(oldSelf.{field})"
    return {
        "rule": f"{same} && (!has(self.{field}) || self.{field} == oldSelf.{field})",
        "message": "cannot change, be added or be taken away: delete the Preview and create another",
        "fieldPath": f".{field}",
    }


ENV_RULES = (("has(self.value) != has(self.valueFrom)", "give either value or valueFrom"),)
ARGS_RULES = (
    (
        "self.all(name, size(name) <= 128 && name.matches('^[A-Za-z_][A-Za-z0-9_]*$'))",
        "a name must be letters, digits and '_', not starting with a digit",
    ),
)
DATABASE_RULES = (
    (
        "!has(self.extensions) || size(self.extensions) == 0 || self.type == 'postgres'",
        "extensions are PostgreSQL's: take them away, or use type postgres",
    ),
)
BOTH_DATABASES = "give either database or databases"
SERVICE_RULES = (
    ("has(self.build) != has(self.image)", "give either build or image"),
    (
        "!has(self.dependsOn) || !self.dependsOn.exists(name, name == self.name)",
        "dependsOn: a service cannot wait for itself",
    ),
)
SOURCE_RULES = (
    {
        "rule": "has(self.pullRequest) || has(self.branch)",
        "message": "give pullRequest or branch",
        "fieldPath": ".pullRequest",
        "reason": "FieldValueRequired",
    },
    {
        "rule": "!has(self.pullRequest) || has(self.trust)",
        "message": "needed with pullRequest: trusted, or fork",
        "fieldPath": ".trust",
        "reason": "FieldValueRequired",
    },
    unchanging("repository"),
    unchanging_optional("pullRequest"),
    unchanging_optional("branch"),
)

_CLONED = "has(self.source.cloneURL)"
_SERVICES = "(has(self.services) && size(self.services) > 0)"
SPEC_RULES = (
    (
        f"{_SERVICES} || {_CLONED}",
        "give source.cloneURL or services: without services they are read from the preview file",
    ),
    (
        f"!has(self.services) || !self.services.exists(s, has(s.build)) || {_CLONED}",
        "give source.cloneURL: a service is built from the repository",
    ),
    (
        f"!has(self.database) || !(has(self.database.migrations) || has(self.database.seed)) || {_CLONED}",
        "give source.cloneURL: database.migrations and database.seed are read from the repository",
    ),
    (
        "!has(self.databases) || !self.databases.exists(d, has(d.migrations) || has(d.seed)) || " + _CLONED,
        "give source.cloneURL: migrations and seed of databases are read from the repository",
    ),
    ("!has(self.database) || !has(self.databases) || size(self.databases) == 0", BOTH_DATABASES),
    (
        "!has(self.services) || self.services.all(s, !has(s.dependsOn) || "
        "s.dependsOn.all(name, self.services.exists(t, t.name == name)))",
        "services: dependsOn names a service that is not there",
    ),
    (
        "!has(self.source.trust) || self.source.trust != 'fork' || has(self.source.configCommit) || "
        f"{_SERVICES}",
        "give source.configCommit: the preview file of a fork is read from the base",
    ),
    (
        "!has(self.source.trust) || self.source.trust != 'fork' || ("
        "(!has(self.env) || !self.env.exists(e, has(e.valueFrom))) && (!has(self.services) || "
        "!self.services.exists(s, has(s.env) && s.env.exists(e, has(e.valueFrom)))))",
        "env: a fork gets no Secret, so valueFrom is refused where source.trust is fork",
    ),
)
