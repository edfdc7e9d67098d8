"""One namespace with the CRD in place."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from tests.integration.crd.cluster import Cluster


@pytest.fixture(scope="package")
def cluster() -> Iterator[Cluster]:
    opened = Cluster(f"crd-{secrets.token_hex(4)}")
    try:
        opened.open()
        yield opened
    finally:
        opened.close()
