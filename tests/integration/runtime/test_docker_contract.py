"""The Docker runtime keeps the contract of every runtime, on a real engine."""

from tests.contract.holdings_contract import HoldingsContract
from tests.contract.runtime_contract import RuntimeContract


class TestDockerRuntime(RuntimeContract):
    """All of it."""


class TestDockerHoldings(HoldingsContract):
    """All of it."""
