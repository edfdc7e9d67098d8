"""Secrets that a Preview may use: only those in its namespace that are labelled for its repository, and
none for a fork.
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from controller.api import names
from controller.api.errors import InvalidSpec, NotReady
from controller.api.images import registry_of
from controller.api.preview import Preview
from controller.api.references import literal
from controller.api.spec import Trust
from controller.api.variables import EnvVar, SecretKeyRef
from controller.cluster.protocol import Cluster, SecretData
from controller.runtime.protocol import RegistryCredentials
from controller.source.protocol import GitCredentials


class SecretReader:
    """Reads the Secrets of one Preview, and remembers every value it handed out."""

    def __init__(self, cluster: Cluster, preview: Preview) -> None:
        self._cluster = cluster
        self._preview = preview
        self._label = names.repository_label(preview.spec.source.repository)
        self.values: list[str] = []

    async def env(self, variables: tuple[EnvVar, ...]) -> dict[str, str]:
        """Variables by name, values of Secrets filled in."""
        result: dict[str, str] = {}
        for variable in variables:
            if variable.value_from is not None:
                result[variable.name] = literal(await self._key(variable.value_from.secret_key_ref))
            else:
                result[variable.name] = variable.value or ""
        return result

    async def injected(self) -> dict[str, str]:
        """The repository's own secrets, which every service of a trusted source gets."""
        if self._preview.spec.source.trust is Trust.FORK:
            return {}
        selector = f"{names.REPOSITORY_LABEL}={self._label},{names.INJECT_LABEL}=true"
        found = await self._cluster.secrets_labelled(self._preview.metadata.namespace, selector)
        result: dict[str, str] = {}
        for secret in sorted(found, key=lambda item: item.name):
            result |= secret.data
        self.values += result.values()
        return result

    async def password(self) -> str | None:
        """The password that the preview asks for, where the spec names one."""
        reference = self._preview.spec.access.password_secret_ref
        return await self._key(reference) if reference else None

    async def git(self, clone_url: str) -> GitCredentials | None:
        """The login for cloning, bound to the clone URL's host."""
        reference = self._preview.spec.source.credentials_secret_ref
        if reference is None:
            return None
        data = (await self._secret(reference.name)).data
        host = urlsplit(clone_url).netloc.lower()
        if data.get("host", host).lower() != host:
            raise InvalidSpec(
                "CredentialsRefused",
                f"Secret {reference.name} is for {data['host']}, the clone URL is at {host}.",
            )
        self.values += [data.get("password", "")]
        return GitCredentials(host, data.get("username", "x-access-token"), data.get("password", ""))

    async def registry(self, images: tuple[str, ...]) -> RegistryCredentials | None:
        """The login for the registry of these images, from a docker config Secret."""
        reference = self._preview.spec.source.image_pull_secret_ref
        if reference is None or not images:
            return None
        secret = await self._secret(reference.name)
        try:
            auths = json.loads(secret.data.get(".dockerconfigjson", "{}")).get("auths", {})
            logins = {urlsplit(f"//{host.split('://')[-1]}").netloc: login for host, login in auths.items()}
            host = next(h for h in map(registry_of, images) if h in logins)
            username, password = str(logins[host]["username"]), str(logins[host]["password"])
        except StopIteration:
            return None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InvalidSpec(
                "SecretInvalid",
                f"Secret {reference.name} must be a kubernetes.io/dockerconfigjson with its logins.",
            ) from None
        self.values.append(password)
        return RegistryCredentials(host, username, password)

    async def _key(self, reference: SecretKeyRef) -> str:
        secret = await self._secret(reference.name)
        if reference.key not in secret.data:
            raise NotReady("SecretKeyMissing", f"Secret {reference.name} has no key {reference.key}; add it.")
        self.values.append(secret.data[reference.key])
        return secret.data[reference.key]

    async def _secret(self, name: str) -> SecretData:
        """A Secret that is labelled for this repository; one that is not does not exist for it."""
        if self._preview.spec.source.trust is Trust.FORK:
            raise InvalidSpec("SecretForFork", f"Secret {name} is not given to a fork; remove the reference.")
        secret = await self._cluster.secret(self._preview.metadata.namespace, name)
        if secret is None or secret.labels.get(names.REPOSITORY_LABEL) != self._label:
            raise NotReady(
                "SecretMissing",
                f"No Secret {name} with label {names.REPOSITORY_LABEL}={self._label} is in namespace "
                f"{self._preview.metadata.namespace}; create or label it.",
            )
        return secret
