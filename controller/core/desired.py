"""Desired: what should be, computed from a spec, a preview file and the installation's rules. Pure.

    Inputs (spec, file, secrets, logins, images) ──▶ desired() ──▶ images, databases, instances, addresses

Instances can be described only when every image is known (its EXPOSE decides a port that was left out, and
every sibling's URL holds that port); until then `Desired.instances` is None, and the plan prepares images
and database first.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

from controller.api import names
from controller.api.errors import InvalidSpec
from controller.api.images import names_own_host, registry_of
from controller.api.names import PreviewKey
from controller.api.references import resolve
from controller.api.spec import Build, Service, Trust
from controller.build.protocol import BuildRequest
from controller.core.addresses import Address, address, main_url, values
from controller.core.inputs import DatabaseInputs, Inputs, Rules
from controller.core.instances import instances
from controller.runtime.protocol import InstanceSpec, NetworkSpec, RegistryCredentials

DEFAULT_PORT = 8080


@dataclass(frozen=True)
class DesiredImage:
    """An image that must be on the engine: built from the source, or pulled."""

    service: str
    reference: str
    build: BuildRequest | None = None
    registry: RegistryCredentials | None = None


@dataclass(frozen=True)
class Desired:
    """What should be. `Desired.nothing` is what a deletion wants."""

    preview: PreviewKey
    slug: str
    commit: str = ""
    images: tuple[DesiredImage, ...] = ()
    databases: tuple[DatabaseInputs, ...] = ()
    rotation: str = ""
    addresses: tuple[Address, ...] = ()
    levels: tuple[tuple[str, ...], ...] = ()
    """Names of services in the order of their dependencies; those of one level start together."""
    revision: str | None = None
    network: NetworkSpec | None = None
    instances: tuple[InstanceSpec, ...] | None = None
    users: str | None = field(default=None, repr=False)
    empty: bool = False

    @classmethod
    def nothing(cls, preview: PreviewKey, slug: str) -> Desired:
        """Nothing should be left of this preview."""
        return cls(preview=preview, slug=slug, empty=True)

    @property
    def url(self) -> str | None:
        """The preview's main URL."""
        return main_url(self.addresses)


def desired(inputs: Inputs, rules: Rules) -> Desired:
    """What should be.

    Raises:
        InvalidSpec: a reference that does not resolve, a secret in a build argument, an image or a limit
        that is not allowed.
    """
    addresses = tuple(address(inputs, service, rules) for service in inputs.services)
    images = tuple(_image(inputs, rules, service, addresses) for service in inputs.services)
    result = Desired(
        preview=inputs.preview,
        slug=inputs.slug,
        commit=inputs.source.commit,
        images=images,
        databases=inputs.databases,
        rotation=inputs.rotation,
        addresses=addresses,
        levels=dependency_levels(inputs.services),
        users=inputs.users,
    )
    ports = _ports(inputs, images)
    if ports is None:
        return result
    references = tuple(image.reference for image in images)
    specs, network, revision = instances(inputs, rules, addresses, references, ports)
    return replace(result, instances=specs, network=network, revision=revision)


def dependency_levels(services: tuple[Service, ...]) -> tuple[tuple[str, ...], ...]:
    """Group services so that each stands in a later group than all it depends on.

    Raises:
        InvalidSpec: DependsOnInvalid, a service that does not exist or a circle.
    """
    waiting = {service.name: set(service.depends_on) for service in services}
    levels: list[tuple[str, ...]] = []
    while waiting:
        level = tuple(name for name, needs in waiting.items() if not needs)
        if not level:
            stuck = ", ".join(sorted(waiting))
            raise InvalidSpec(
                "DependsOnInvalid",
                f"dependsOn of {stuck} names a service that is not here, or runs in a circle.",
            )
        levels.append(level)
        waiting = {name: needs - set(level) for name, needs in waiting.items() if name not in level}
    return tuple(levels)


def _image(inputs: Inputs, rules: Rules, service: Service, addresses: tuple[Address, ...]) -> DesiredImage:
    if service.image is not None:
        if service.image.startswith(names.IMAGE_PREFIX):
            raise InvalidSpec(
                "ImageRefused",
                f"services.{service.name}.image: {names.IMAGE_PREFIX}… is the platform's own; name another.",
            )
        if names_own_host(service.image) and registry_of(service.image) not in rules.local_registries:
            raise InvalidSpec(
                "ImageRefused",
                f"services.{service.name}.image: the registry is an address of the engine's own host; name "
                "another, or have it listed in LOCAL_REGISTRIES.",
            )
        return DesiredImage(service.name, service.image, registry=inputs.registry)
    if service.build is None:
        raise InvalidSpec("SpecInvalid", f"services.{service.name}: give either build or image.")
    request = _build(inputs, rules, service.name, service.build, addresses)
    return DesiredImage(service.name, request.image, build=request)


def _build(
    inputs: Inputs, rules: Rules, service: str, build: Build, addresses: tuple[Address, ...]
) -> BuildRequest:
    known = values(inputs, addresses, {}, service)
    args = {
        name: resolve(text, known, where=f"services.{service}.build.args.{name}", secrets_allowed=False)
        for name, text in build.args.items()
    }
    source = inputs.source
    repository, trust = source.repository.lower(), source.trust or Trust.TRUSTED
    recipe = json.dumps(
        [rules.installation, repository, trust, build.dockerfile, build.context, build.target, args],
        sort_keys=True,
    )
    return BuildRequest(
        image=names.image_name(source.repository, service, source.commit, recipe),
        preview=inputs.preview,
        slug=inputs.slug,
        repository=source.repository,
        service=service,
        commit=source.commit,
        context=build.context,
        dockerfile=build.dockerfile,
        target=build.target,
        args=args,
        cache_namespace=names.short_hash(f"{repository}|{trust}", 16),
    )


def _ports(inputs: Inputs, images: tuple[DesiredImage, ...]) -> dict[str, int] | None:
    """Every service's port, or None while an image is unknown."""
    ports: dict[str, int] = {}
    for service, image in zip(inputs.services, images, strict=True):
        info = inputs.images.get(image.reference)
        if info is None:
            return None
        ports[service.name] = service.port or info.exposed_port or DEFAULT_PORT
    return ports
