"""The Docker runtime keeps the contract of every runtime, on a real engine."""

from tests.contract.runtime_contract import RuntimeContract


class TestDockerRuntime(RuntimeContract):
    """All of it."""
