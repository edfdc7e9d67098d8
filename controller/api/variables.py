"""Environment variables, and the Secrets that they and others may name."""

from __future__ import annotations

from typing import Self

from pydantic import ConfigDict, Field, model_validator

from controller.api.fields import EnvName, EnvValue, ObjectName, SecretKey
from controller.api.model import Model
from controller.api.rules import validations
from controller.api.spec_rules import ENV_RULES


class LocalSecretRef(Model):
    """A Secret in the Preview's namespace, labelled for its repository."""

    name: ObjectName = Field(description="Name of the Secret.")


class SecretKeyRef(Model):
    """One key of a Secret in the Preview's namespace, labelled for its repository."""

    name: ObjectName = Field(description="Name of the Secret.")
    key: SecretKey = Field(description="Key inside the Secret.")


class ValueFrom(Model):
    """Where a value comes from."""

    secret_key_ref: SecretKeyRef = Field(description="A key of a Secret, taken as it is. Not for a fork.")


class EnvVar(Model):
    """One environment variable: a value, or a key of a Secret."""

    model_config = ConfigDict(json_schema_extra=validations(*ENV_RULES))

    name: EnvName = Field(description="Name of the variable.")
    value: EnvValue | None = Field(
        default=None, description="The value; references such as `${DATABASE_URL}` are resolved."
    )
    value_from: ValueFrom | None = Field(default=None, description="Where the value comes from.")

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.value is None) == (self.value_from is None):
            raise ValueError(f"{self.name}: give either value or valueFrom")
        return self
