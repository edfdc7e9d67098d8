"""A release over its life, by helm on the API server: what is brought up to date, and what stays.

No pod runs here, there is no node: what is asked is which objects there are.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.chart.chart import CHART, Json, Refused, helm, merged
from tests.integration.chart.variants import variant
from tests.integration.operator.api import Api
from tests.integration.operator.space import Space

CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/previews.previewcloud.io"
RELEASE = "previewcloud"


class Release:
    """One release, in a namespace of its own."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace

    def put(self, values: Json, chart: Path = CHART) -> None:
        """Install or upgrade it. The CRD is there already, applied by the platform."""
        words = ("upgrade", "--install", RELEASE, str(chart), "--namespace", self.namespace, "--values", "-")
        helm(*words, "--take-ownership", "--force-conflicts", stdin=yaml.safe_dump(values))

    def away(self) -> None:
        """Uninstall it."""
        helm("uninstall", RELEASE, "--namespace", self.namespace)


@pytest.fixture
def values(space: Space) -> Json:
    return merged(variant("for trying out"), {"watchNamespace": space.namespace})


@pytest.fixture
def release(space: Space) -> Iterator[Release]:
    made = Release(space.namespace)
    yield made
    try:
        made.away()
    except Refused as refused:
        assert "not found" in str(refused)


def older(folder: Path) -> Path:
    """The chart as it might have been: its CRD knows a column less, its image another tag."""
    chart = folder / "previewcloud"
    shutil.copytree(CHART, chart)
    file = chart / "crd/previews.yaml"
    crd: dict[str, Any] = yaml.safe_load(file.read_text())
    del crd["spec"]["versions"][0]["additionalPrinterColumns"][-1]
    file.write_text(yaml.safe_dump(crd))
    return chart


async def columns(api: Api) -> list[str]:
    crd = await api.call("GET", CRD)
    return [column["name"] for column in crd["spec"]["versions"][0]["additionalPrinterColumns"]]


async def test_an_upgrade_brings_the_definition_up_to_date(
    release: Release, values: Json, api: Api, tmp_path: Path
) -> None:
    before = await columns(api)
    release.put(values, older(tmp_path))
    assert await columns(api) == before[:-1]
    release.put(values)
    assert await columns(api) == before


async def test_what_was_drawn_once_stays_and_what_is_given_changes(
    release: Release, values: Json, space: Space
) -> None:
    release.put(values)
    first = await space.secret_data("previewcloud-generated")
    assert first is not None
    release.put(merged(values, {"secrets": {"postgresUrl": "postgres://other@10.0.0.8/postgres"}}))
    second = await space.secret_data("previewcloud-generated")
    assert second is not None
    drawn = ("routing-token", "catchall-token", "webhook-secret", "api-key")
    assert [second[key] for key in drawn] == [first[key] for key in drawn]
    assert len({first[key] for key in drawn}) == len(drawn)
    assert second["postgres-url"] != first["postgres-url"]


async def test_a_change_of_values_starts_the_pods_that_it_is_about(
    release: Release, values: Json, space: Space
) -> None:
    async def generations() -> dict[str, int]:
        found = await space.api.call("GET", f"/apis/apps/v1/namespaces/{space.namespace}/deployments")
        return {each["metadata"]["name"]: each["metadata"]["generation"] for each in found["items"]}

    release.put(values)
    release.put(values)
    assert await generations() == {"previewcloud-operator": 1, "previewcloud-bridge": 1}
    release.put(merged(values, {"operator": {"settings": {"MAX_PREVIEWS": 3}}}))
    assert await generations() == {"previewcloud-operator": 2, "previewcloud-bridge": 1}
    release.put(merged(values, {"secrets": {"postgresUrl": "postgres://other@10.0.0.8/postgres"}}))
    assert await generations() == {"previewcloud-operator": 3, "previewcloud-bridge": 2}


async def test_previews_and_logs_outlive_an_uninstall_and_are_taken_over_again(
    release: Release, values: Json, space: Space
) -> None:
    release.put(values)
    await space.create(
        "kept", {"source": space.source(), "services": [{"name": "web", "image": "a/b:1", "port": 80}]}
    )
    before = await space.look("kept")
    release.away()
    assert await space.look("kept") == before
    assert await space.api.get(
        f"/api/v1/namespaces/{space.namespace}/persistentvolumeclaims/previewcloud-logs"
    )
    assert (
        await space.api.get(f"/apis/apps/v1/namespaces/{space.namespace}/deployments/previewcloud-operator")
        is None
    )
    assert await space.secret_data("previewcloud-generated") is None
    release.put(values)
    assert await space.look("kept") == before
