"""The platform's parts, as the tests of the operator have them; the operator here one that dies on demand."""

from tests.integration.operator.conftest import api, engine, env

__all__ = ["api", "engine", "env"]
