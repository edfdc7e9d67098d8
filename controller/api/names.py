"""Names: one slug is allocated per Preview, everything else follows from it by the pure functions here.

A slug is `[a-z0-9-]`, at most 28 characters and prefix-free, so that `{slug}-{service}` never has two
readings.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from controller.api.errors import Conflict

GROUP = "previewcloud.io"
SLUG_MAX = 28
LABEL_MAX = 63  # RFC 1035, section 2.3.4: a DNS label holds at most 63 octets
SLUG_ANNOTATION = f"{GROUP}/slug"
INCARNATION_ANNOTATION = f"{GROUP}/incarnation"
"""The UID that a Preview had when it got its slug: a restored one keeps it, one made anew has another."""
REDEPLOY = f"{GROUP}/redeploy"
RESET_DATABASE = f"{GROUP}/reset-database"
ROTATE_CREDENTIALS = f"{GROUP}/rotate-credentials"
WISHES = (REDEPLOY, RESET_DATABASE, ROTATE_CREDENTIALS)
"""Annotations whose every new value is done once."""
SLEEP = f"{GROUP}/sleep"
WAKE = f"{GROUP}/wake"
PIN = f"{GROUP}/pin"
"""While it is there, the preview is neither put to sleep nor torn down for its age; taken away to unpin."""
KEEP_UNTIL = f"{GROUP}/keep-until"
"""A time (RFC 3339) before which the preview is not torn down for its age."""
PREVIEW_LABEL = f"{GROUP}/preview"
REPOSITORY_LABEL = f"{GROUP}/repository"
"""On a Secret: for which repository it is (see `repository_label`)."""
INJECT_LABEL = f"{GROUP}/inject"
"""`true` on a Secret: all its keys become variables of the repository's trusted previews."""
FINALIZER = f"{GROUP}/teardown"


@dataclass(frozen=True, order=True)
class PreviewKey:
    """Who a Preview is: its namespace and name (not its UID, which a restore changes)."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> PreviewKey:
        """Read `namespace/name` back; raises ValueError when the text is something else."""
        namespace, _, name = text.partition("/")
        if not namespace or not name or "/" in name:
            raise ValueError(f"not namespace/name: {text!r}")
        return cls(namespace, name)


@dataclass(frozen=True, order=True)
class LogKey:
    """Whose log it is: a slug may be used again, by another repository even; these two are not."""

    repository: str
    """owner/name in lower case."""
    incarnation: str
    """See INCARNATION_ANNOTATION."""

    def __str__(self) -> str:
        return f"{self.repository}#{self.incarnation}"


def short_hash(text: str, length: int) -> str:
    """The first `length` hex digits of the text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def repository_label(repository: str) -> str:
    """The label's value for a repository: `acme.shop` for `acme/shop` (an owner holds no dot)."""
    return repository.lower().replace("/", ".", 1)


def slug_candidates(repository: str, pull_request: int | None, branch: str | None) -> tuple[str, ...]:
    """The slugs a source may get, the preferred one first.

    `pr-42`, else `pr-42x<6 hex of owner/repo>`; a branch always carries a hash, of repository and branch.
    """
    if pull_request is not None:
        return (f"pr-{pull_request}", f"pr-{pull_request}x{short_hash(repository.lower(), 6)}")
    suffix = f"x{short_hash(f'{repository.lower()}#{branch}', 6)}"
    letters = re.sub(r"[^a-z0-9]", "", (branch or "").lower()) or "b"
    return (f"branch-{letters[: SLUG_MAX - len('branch-') - len(suffix)]}{suffix}",)


@dataclass(frozen=True)
class Holder:
    """Who holds a slug, and the source it stands for (`owner/repo#42`)."""

    key: PreviewKey
    source: str


def source_identity(repository: str, pull_request: int | None, branch: str | None) -> str:
    """One pull request or one branch of one repository, as a string."""
    return f"{repository.lower()}#{pull_request if pull_request is not None else f'branch:{branch}'}"


def allocate_slug(candidates: tuple[str, ...], holder: Holder, held: Mapping[str, Holder]) -> str:
    """Give a Preview its slug: the one it holds already, else the first free candidate.

    Raises:
        Conflict: another Preview stands for the same source, or holds every candidate.
    """
    for slug in candidates:
        if slug in held and held[slug].key == holder.key:
            return slug
    twin = next((other for other in held.values() if other.source == holder.source), None)
    free = [slug for slug in candidates if slug not in held]
    if twin is None and free:
        return free[0]
    other = twin or held[candidates[-1]]
    raise Conflict(
        "SourceTaken",
        f"Preview {other.key} already stands for {holder.source}; delete it, or delete {holder.key}.",
    )


def owner_label(repository: str) -> str:
    """The owner as a DNS label part: lower case, `[a-z0-9-]`."""
    return re.sub(r"[^a-z0-9-]", "-", repository.split("/", maxsplit=1)[0].lower()).strip("-")


def _dns_label(text: str) -> str:
    if len(text) <= LABEL_MAX:
        return text
    return f"{text[: LABEL_MAX - 9].rstrip('-')}-{short_hash(text, 8)}"


def host(slug: str, repository: str, service: str, domain: str, *, single_label: bool = False) -> str:
    """Where a service answers: `{slug}-{owner}.{service}.{domain}`.

    With `single_label`, for wildcard certificates, `{slug}-{owner}-{service}.{domain}`.
    """
    first = f"{slug}-{owner_label(repository)}"
    if single_label:
        return f"{_dns_label(f'{first}-{service}')}.{domain}"
    return f"{_dns_label(first)}.{_dns_label(service)}.{domain}"


def router_name(slug: str, service: str) -> str:
    """The Traefik router and service of a preview's service."""
    return f"{slug}-{service}"


def instance_name(slug: str, service: str, config_hash: str) -> str:
    """One running copy of a service; the same configuration has the same name, so it finds itself."""
    return f"{slug}-{service}-{config_hash[:8]}"


def network_name(installation: str, slug: str, revision: str) -> str:
    """The network on which the services of one revision meet."""
    return f"{installation}-{slug}-{revision[:8]}"


def database_name(slug: str, label: str = "", generation: int = 1) -> str:
    """A preview's database and role: `pr_42_db`, `pr_42_main_db`; rebuilt ones `pr_42_db_r2`.

    Args:
        slug: the preview's.
        label: which of several databases (letters and digits); empty for the only one.
        generation: counts how often it was made from nothing.
    """
    middle = f"_{label}" if label else ""
    rebuilt = f"_r{generation}" if generation > 1 else ""
    return f"{slug.replace('-', '_')}{middle}_db{rebuilt}"


def database_generation(name: str, slug: str, label: str = "") -> int | None:
    """Which generation of a preview's database a name stands for; None when it is of another one."""
    first = database_name(slug, label)
    if name == first:
        return 1
    found = re.fullmatch(r"_r([1-9][0-9]{0,5})", name.removeprefix(first))
    return int(found[1]) if found and name.startswith(first) and int(found[1]) > 1 else None


def database_secret_name(preview: str) -> str:
    """The Secret with the preview's connection string, owned by the Preview of that name."""
    return f"{preview}-database"


def image_name(repository: str, service: str, commit: str, recipe: str) -> str:
    """The image of one service at one commit; `recipe` is all else that decides its content, as one string.

    Repositories that are spelled alike here differ by their recipe, which names the repository.
    """
    owner_repo = re.sub(r"[^a-z0-9]+", "-", repository.lower()).strip("-")
    return f"{IMAGE_PREFIX}{owner_repo}/{service}:{commit[:12]}-{short_hash(recipe, 8)}"


IMAGE_PREFIX = "previewcloud/"
