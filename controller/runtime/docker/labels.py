"""Labels on containers and networks: how the engine itself remembers whose they are."""

from __future__ import annotations

from collections.abc import Mapping

from controller.api.names import PreviewKey, owner_label
from controller.runtime.protocol import InstanceSpec, JobSpec, NetworkSpec, RouteSpec

MANAGED = "previewcloud.managed"
INSTALLATION = "previewcloud.installation"
PREVIEW = "previewcloud.preview"
SLUG = "previewcloud.slug"
SERVICE = "previewcloud.service"
REVISION = "previewcloud.revision"
CONFIG = "previewcloud.config"
COMMIT = "previewcloud.commit"
PULL_REQUEST = "previewcloud.pr"
OWNER = "previewcloud.owner"
REPOSITORY = "previewcloud.repo"
IMAGE = "previewcloud.image"
"""The reference that was asked for: a container is made from the image's ID, which no tag can move."""
INCARNATION = "previewcloud.incarnation"
SECRET_ENV = "previewcloud.secret-env"  # noqa: S105 - names of variables, by comma
"""So that what the container prints can be masked by whoever reads it, after a restart too."""
JOB = "previewcloud.job"
ROUTER = "previewcloud.route.router"
HOST = "previewcloud.route.host"
PUBLIC = "previewcloud.route.public"
USERS = "previewcloud.route.users"
"""A bcrypt line, which the proxy's own labels hold too."""


def instance_labels(spec: InstanceSpec, installation: str) -> dict[str, str]:
    """Our labels of an instance."""
    return {
        **_common(spec.preview, spec.slug, installation),
        SERVICE: spec.service,
        REVISION: spec.revision,
        CONFIG: spec.config_hash,
        COMMIT: spec.commit,
        PULL_REQUEST: "" if spec.pull_request is None else str(spec.pull_request),
        OWNER: owner_label(spec.repository),
        REPOSITORY: spec.repository,
        IMAGE: spec.image,
        INCARNATION: spec.incarnation,
        SECRET_ENV: ",".join(spec.secret_env),
        **_route_labels(spec.route),
    }


def network_labels(spec: NetworkSpec, installation: str) -> dict[str, str]:
    """Our labels of a revision's network."""
    return {**_common(spec.preview, spec.slug, installation), REVISION: spec.revision}


def job_labels(spec: JobSpec, installation: str) -> dict[str, str]:
    """Our labels of a throwaway container."""
    return {**_common(spec.preview, spec.slug, installation), JOB: "true"}


def route_of(labels: Mapping[str, str]) -> RouteSpec | None:
    """How an instance was to be reached when it was started."""
    if ROUTER not in labels:
        return None
    public = labels.get(PUBLIC) == "true"
    return RouteSpec(labels[ROUTER], labels.get(HOST, ""), public, labels.get(USERS))


def preview_of(labels: Mapping[str, str], installation: str) -> PreviewKey | None:
    """Whose a labelled thing is; None when it is not of this installation."""
    if labels.get(INSTALLATION) != installation:
        return None
    try:
        return PreviewKey.parse(labels.get(PREVIEW, ""))
    except ValueError:
        return None


def selector(installation: str, preview: PreviewKey | None = None, *extra: str) -> list[str]:
    """The label filter that finds what is of an installation, or of one of its previews."""
    mine = [f"{INSTALLATION}={installation}", f"{MANAGED}=true"]
    return mine + ([f"{PREVIEW}={preview}"] if preview else []) + list(extra)


def _route_labels(route: RouteSpec) -> dict[str, str]:
    labels = {ROUTER: route.router, HOST: route.host, PUBLIC: "true" if route.public else "false"}
    return labels if route.users is None else {**labels, USERS: route.users}


def _common(preview: PreviewKey, slug: str, installation: str) -> dict[str, str]:
    return {MANAGED: "true", INSTALLATION: installation, PREVIEW: str(preview), SLUG: slug}
