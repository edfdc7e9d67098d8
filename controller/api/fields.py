"""The scalars of the resource: how a name, a path, a commit or a quantity may look, with a sentence for each.

The preview file, the resource and the CRD's schema share them, so that one mistake reads the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema

from controller.api.durations import DURATION_MESSAGE, DURATION_PATTERN, is_duration
from controller.api.paths import INSIDE, PATH_MAX
from controller.api.quantities import CPU_PATTERN, MEMORY_PATTERN, cpu_millis, memory_bytes
from controller.api.rules import VALIDATIONS, Rule, matching, quoted

NAME_PATTERN = r"^[a-z]([-a-z0-9]{0,28}[a-z0-9])?$"
RESERVED_NAMES = ("database", "preview")

_NAME_FREE = Rule(
    "must not be 'database' or 'preview', nor end in '-internal' or '-database': its variables would mean "
    "two things",
    "!(self in ['database', 'preview']) && !self.endsWith('-internal') && !self.endsWith('-database')",
    lambda name: name not in RESERVED_NAMES and not name.endswith(("-internal", "-database")),
)
_REPOSITORY_PLAIN = Rule(
    "must not have '.' or '..' as its name",
    "!self.endsWith('/.') && !self.endsWith('/..')",
    lambda text: not text.endswith(("/.", "/..")),
)
_BRANCH_PLAIN = Rule(
    "must not hold '..' or '@{', which no branch may",
    "!self.contains('..') && !self.contains('@{')",
    lambda text: ".." not in text and "@{" not in text,
)
_FOREIGN_IMAGE = Rule(
    "must not name an image under previewcloud/: those are built by the platform",
    r"!self.matches('^((index[.])?docker[.]io/)?previewcloud/')",
    lambda text: not text.removeprefix("index.").removeprefix("docker.io/").startswith("previewcloud/"),
)

ServiceName = Annotated[
    str,
    StringConstraints(max_length=30),
    matching(NAME_PATTERN, "must be lower case letters, digits and '-', starting with a letter, at most 30"),
    _NAME_FREE,
]
DatabaseLabel = Annotated[
    str,
    StringConstraints(max_length=16),
    matching(
        r"^[a-z][a-z0-9]{0,15}$", "must be lower case letters and digits, starting with a letter, at most 16"
    ),
]
Extension = Annotated[
    str,
    StringConstraints(max_length=63),
    matching(r"^[a-z][a-z0-9_-]*$", "must be the name of a PostgreSQL extension such as pgcrypto"),
]
EnvName = Annotated[
    str,
    StringConstraints(max_length=128),
    matching(r"^[A-Za-z_][A-Za-z0-9_]*$", "must be letters, digits and '_', not starting with a digit"),
]
EnvValue = Annotated[str, StringConstraints(max_length=32768, pattern=r"^[^\x00]*$")]
RelativePath = Annotated[str, StringConstraints(min_length=1, max_length=PATH_MAX), INSIDE]
Port = Annotated[int, Field(ge=1, le=65535)]
Commit = Annotated[
    str,
    StringConstraints(max_length=40),
    matching(r"^[0-9a-f]{40}$", "must be a commit: 40 lower case hex digits"),
]
Repository = Annotated[
    str,
    StringConstraints(max_length=140),
    matching(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,38}/[A-Za-z0-9._-]{1,100}$", "must be a repository as owner/name"),
    _REPOSITORY_PLAIN,
]
CloneUrl = Annotated[
    str,
    StringConstraints(max_length=1024),
    matching(
        r"^https?://([A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?/[A-Za-z0-9._~/%+-]+$",
        "must be an http(s) address of a repository, without credentials, query or fragment",
    ),
]
Branch = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255),
    matching(
        r"^[^-/ ~^:?*\[\\\x00-\x20\x7f][^ ~^:?*\[\\\x00-\x20\x7f]*$", "must be the name of a git branch"
    ),
    _BRANCH_PLAIN,
]
ImageReference = Annotated[
    str,
    StringConstraints(min_length=1, max_length=512),
    matching(
        r"^[A-Za-z0-9][A-Za-z0-9._/:@-]*$", "must be an image such as nginx:1.27 or ghcr.io/acme/web:v1"
    ),
    _FOREIGN_IMAGE,
]
Stage = Annotated[
    str,
    StringConstraints(max_length=128),
    matching(r"^[A-Za-z0-9][A-Za-z0-9._-]*$", "must be the name of a stage in the Dockerfile"),
]
HttpPath = Annotated[
    str,
    StringConstraints(max_length=512),
    matching(r"^/[!-~]*$", "must be a path of a URL that starts with '/', as in /healthz"),
]
ObjectName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=253),
    matching(r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", "must be the name of an object in the Preview's namespace"),
]
SecretKey = Annotated[
    str,
    StringConstraints(min_length=1, max_length=253),
    matching(r"^[-._A-Za-z0-9]+$", "must be a key of a Secret: letters, digits, '-', '_' and '.'"),
]
Argument = Annotated[str, StringConstraints(max_length=4096, pattern=r"^[^\x00]*$")]
Duration = Annotated[
    str,
    StringConstraints(min_length=1, max_length=32),
    Rule(DURATION_MESSAGE, f"self.matches({quoted(DURATION_PATTERN)}) && self.matches('[1-9]')", is_duration),
]


def _as_text(value: object) -> object:
    """YAML reads `cpu: 1` as a number."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _checked(parse: Callable[[str], int]) -> AfterValidator:
    def check(text: str) -> str:
        parse(text)
        return text

    return AfterValidator(check)


def _quantity(pattern: str, least: str, message: str) -> WithJsonSchema:
    """An amount in the schema: a number or a text, as everywhere in Kubernetes."""
    schema: dict[str, Any] = {
        "anyOf": [{"type": "integer"}, {"type": "string"}],
        "x-kubernetes-int-or-string": True,
        "maxLength": 20,
        VALIDATIONS: [
            {
                "rule": f"string(self).matches({quoted(pattern)}) && "
                f"quantity(string(self)).compareTo(quantity('{least}')) >= 0",
                "message": message,
            }
        ],
    }
    return WithJsonSchema(schema)


Cpu = Annotated[
    str,
    StringConstraints(max_length=20),
    _checked(cpu_millis),
    BeforeValidator(_as_text),
    _quantity(CPU_PATTERN, "10m", "must be an amount of CPU such as 500m, 0.5 or 2, at least 10m"),
]
Memory = Annotated[
    str,
    StringConstraints(max_length=20),
    _checked(memory_bytes),
    BeforeValidator(_as_text),
    _quantity(MEMORY_PATTERN, "6Mi", "must be an amount of memory such as 256Mi or 1Gi, at least 6Mi"),
]
