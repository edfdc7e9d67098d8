"""The BuildKit builder keeps the contract of every builder, on a real engine."""

from tests.contract.builder_contract import BuilderContract


class TestBuildKitBuilder(BuilderContract):
    """All of it."""
