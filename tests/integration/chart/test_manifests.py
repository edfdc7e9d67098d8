"""What the chart renders is what an API server takes: by helm's linter, by the schemas, by a dry run."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from tests.integration.chart.chart import CHART, Json, Objects, helm, merged, render
from tests.integration.chart.schemas import write
from tests.integration.chart.variants import MORE, variant
from tests.integration.crd.cluster import Cluster
from tests.integration.operator.api import Api
from tests.integration.operator.space import Space

LEVEL = "pod-security.kubernetes.io/enforce"


@pytest.fixture
async def location(api: Api, tmp_path: Path) -> str:
    """Where kubeconform finds the schemas of this API server."""
    return await write(api, tmp_path)


def conforms(location: str, objects: Iterable[Json]) -> subprocess.CompletedProcess[str]:
    """What kubeconform says of these objects."""
    command = ["kubeconform", "-strict", "-summary", "-schema-location", location, "-"]
    text = yaml.safe_dump_all(list(objects))
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("name", MORE)
def test_helm_finds_nothing_to_complain_about(name: str) -> None:
    said = helm("lint", "--strict", str(CHART), "--values", "-", stdin=yaml.safe_dump(variant(name)))
    assert "0 chart(s) failed" in said
    assert "WARNING" not in said


async def test_every_variant_conforms_to_the_schemas(location: str) -> None:
    for name in MORE:
        said = conforms(location, render(variant(name)))
        assert said.returncode == 0, (name, said.stdout)
        assert "Invalid: 0, Errors: 0, Skipped: 0" in said.stdout, (name, said.stdout)


async def test_a_misspelt_field_does_not_conform(location: str) -> None:
    objects = [
        merged(each, {"spec": {"replica": 1}}) if each["kind"] == "Deployment" else each
        for each in render(variant("node"))
    ]
    said = conforms(location, objects)
    assert said.returncode == 1
    assert said.stdout.count("additional properties 'replica' not allowed") == 2


@pytest.mark.parametrize("name", MORE)
async def test_the_api_server_takes_every_object(name: str, space: Space) -> None:
    namespaces = {"watchNamespace": space.namespace, "bridge": {"previewNamespace": space.namespace}}
    objects = render(merged(variant(name), namespaces), namespace=space.namespace)
    known = [each for each in objects if not each["apiVersion"].startswith("monitoring.coreos.com/")]
    apply = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-")
    said = Cluster(space.namespace).must(*apply, stdin=yaml.safe_dump_all(known))
    assert len(said.splitlines()) == len(known)


@pytest.mark.parametrize(("name", "taken"), [("remote", True), ("sqlite far away", True), ("node", False)])
async def test_with_a_far_engine_pods_keep_to_the_restricted_standard(
    name: str, taken: bool, space: Space
) -> None:
    labels = {"metadata": {"labels": {LEVEL: "restricted"}}}
    await space.api.call("PATCH", f"/api/v1/namespaces/{space.namespace}", labels)
    objects = Objects(render(variant(name), namespace=space.namespace))
    for component in ("operator", "bridge"):
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": component},
            "spec": objects.pod(component),
        }
        said = Cluster(space.namespace).kubectl(
            "create", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(pod)
        )
        assert (said.code == 0) == taken, said.err
        assert taken or "violates PodSecurity" in said.err
