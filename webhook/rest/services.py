"""The services of a request, laid over those of a preview file. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from controller.api.preview_file import PreviewFile
from controller.api.spec import Build, Service
from controller.api.variables import EnvVar
from webhook.rest.models import ServiceRequest

_TAKEN = ("port", "resources", "health_check", "command", "depends_on", "public")


def merged(
    asked: Mapping[str, ServiceRequest], file: PreviewFile | None, env: Mapping[str, tuple[EnvVar, ...]]
) -> tuple[Service, ...]:
    """All services: the file's, with what is asked above it, then those that are only asked for.

    Args:
        asked: the request's services by name; one with an imageTag uses that image instead of a build.
        file: the preview file below.
        env: the variables of each service that is asked for, as the resource has them.
    """
    below = {service.name: service for service in file.services} if file is not None else {}
    names = dict.fromkeys((*below, *asked))
    return tuple(
        _over(name, asked[name], below.get(name), env[name]) if name in asked else below[name]
        for name in names
    )


def _over(name: str, asked: ServiceRequest, below: Service | None, env: tuple[EnvVar, ...]) -> Service:
    fields: dict[str, object | None] = {"name": name, **_image(asked, below)}
    for field in _TAKEN:
        value = getattr(asked, field)
        fields[field] = value if value is not None or below is None else getattr(below, field)
    variables = {variable.name: variable for variable in (*(below.env if below else ()), *env)}
    fields["env"] = tuple(variables.values()) or None
    return Service.model_validate({field: value for field, value in fields.items() if value is not None})


def _image(asked: ServiceRequest, below: Service | None) -> dict[str, object | None]:
    """Where the image comes from: what is asked for, else what the file says, else a build like any other."""
    if asked.image_tag is not None:
        return {"image": asked.image_tag}
    if below is not None and below.image is not None and not asked.builds:
        return {"image": below.image}
    base = below.build if below is not None and below.build is not None else Build()
    given = {
        "context": asked.context,
        "dockerfile": asked.dockerfile,
        "target": asked.target,
        "args": asked.build_args,
    }
    chosen = {field: value for field, value in given.items() if value is not None}
    return {"build": Build.model_validate({**dict(base), **chosen})}
