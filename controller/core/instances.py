"""Instances: the revision that a preview's services form, each fully described. Pure.

Everything switches together: when one service changes, all of them start anew beside the old ones, on a
network of their own, so that no request crosses from one version to another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace

from controller.api import names
from controller.api.errors import InvalidSpec
from controller.api.quantities import cpu_millis, limited, memory_bytes
from controller.api.references import environment
from controller.api.spec import Service
from controller.core.addresses import Address, values
from controller.core.inputs import Inputs, Rules
from controller.runtime.protocol import InstanceSpec, NetworkSpec, RouteSpec

BOOKKEEPING = ("name", "preview", "revision", "config_hash", "network", "incarnation", "secret_env")


def instances(
    inputs: Inputs,
    rules: Rules,
    addresses: tuple[Address, ...],
    images: tuple[str, ...],
    ports: Mapping[str, int],
) -> tuple[tuple[InstanceSpec, ...], NetworkSpec | None, str]:
    """All instances of the revision, their network (none for a lone service), and the revision itself.

    Raises:
        InvalidSpec: an environment that does not resolve, or more CPU or memory than the installation gives.
    """
    drafts = tuple(
        _draft(inputs, rules, service, addresses, image, ports)
        for service, image in zip(inputs.services, images, strict=True)
    )
    revision = digest([inputs.redeploy, *(draft.config_hash for draft in drafts)])
    network = None
    if len(drafts) > 1:
        name = names.network_name(rules.installation, inputs.slug, revision)
        network = NetworkSpec(name=name, preview=inputs.preview, slug=inputs.slug, revision=revision)
    specs = tuple(
        replace(
            draft,
            name=names.instance_name(
                inputs.slug, draft.service, digest([rules.installation, revision, draft.config_hash])
            ),
            revision=revision,
            network=network.name if network else None,
        )
        for draft in drafts
    )
    return specs, network, revision


def digest(content: object) -> str:
    """16 hex digits that stand for a JSON-like content."""
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _draft(  # noqa: PLR0913, PLR0917 - a pure function of all that decides one instance
    inputs: Inputs,
    rules: Rules,
    service: Service,
    addresses: tuple[Address, ...],
    image: str,
    ports: Mapping[str, int],
) -> InstanceSpec:
    """An instance without what the whole revision decides: its name, network and revision."""
    source = inputs.source
    cpu, memory = resources(service, rules)
    host = next(a.host for a in addresses if a.service == service.name)
    env = environment(
        secrets=inputs.secrets,
        env=inputs.env,
        platform=values(inputs, addresses, ports, service.name),
        service_env=inputs.service_env.get(service.name, {}),
    )
    draft = InstanceSpec(
        name="",
        preview=inputs.preview,
        slug=inputs.slug,
        repository=source.repository,
        pull_request=source.pull_request,
        service=service.name,
        revision="",
        config_hash="",
        commit=source.commit,
        image=image,
        port=ports[service.name],
        route=RouteSpec(names.router_name(inputs.slug, service.name), host, service.public, inputs.users),
        network=None,
        env=env,
        command=service.command,
        cpu_millis=cpu,
        memory_bytes=memory,
        health_path=service.health_check.path if service.health_check else None,
        incarnation=inputs.incarnation,
        secret_env=tuple(
            name for name, value in env.items() if any(secret in value for secret in inputs.secret_values)
        ),
    )
    content = {key: value for key, value in asdict(draft).items() if key not in BOOKKEEPING}
    return replace(draft, config_hash=digest(content))


def resources(service: Service, rules: Rules) -> tuple[int, int]:
    """What one instance of a service may use: CPU in thousandths of a core, memory in bytes.

    Raises:
        InvalidSpec: no such amount, or more than the installation gives.
    """
    where = f"services.{service.name}.resources"
    try:
        cpu, memory = cpu_millis(service.resources.cpu), memory_bytes(service.resources.memory)
    except ValueError as error:
        raise InvalidSpec("SpecInvalid", f"{where}: {error}") from None
    return (
        limited(cpu, rules.max_cpu_millis, f"{where}.cpu", "MAX_CPU"),
        limited(memory, rules.max_memory_bytes, f"{where}.memory", "MAX_MEMORY"),
    )
