"""Pods of the chart: nobody is root, only volumes are written to, and every reference leads somewhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from controller.settings import Settings
from tests.integration.chart.chart import RELEASE, Json, Objects, merged
from tests.integration.chart.variants import MORE, variant
from webhook.settings import BridgeSettings

ELSEWHERE = frozenset({"KUBECONFIG", "DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "SECRETS_DIR"})
"""Variables that are no settings."""


@pytest.fixture(params=MORE, scope="module")
def objects(request: pytest.FixtureRequest) -> Objects:
    return Objects.of(variant(request.param))


def pods(objects: Objects) -> Iterator[tuple[str, Json]]:
    """Every pod that comes of these objects, by the name of what makes it."""
    for each in objects.all:
        if each["kind"] == "Deployment":
            yield each["metadata"]["name"], each["spec"]["template"]["spec"]
        elif each["kind"] == "Pod":
            yield each["metadata"]["name"], each["spec"]


def test_no_pod_is_root_or_writes_to_its_root(objects: Objects) -> None:
    for name, pod in pods(objects):
        context = pod["securityContext"]
        assert (context["runAsNonRoot"], context["runAsUser"], context["fsGroup"]) == (True, 10001, 10001), (
            name
        )
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert set(container["resources"]) == {"requests", "limits"}, name


def test_every_mount_is_of_a_volume_and_every_volume_is_mounted(objects: Objects) -> None:
    for name, pod in pods(objects):
        volumes = {volume["name"] for volume in pod.get("volumes", ())}
        mounts = {mount["name"] for each in pod["containers"] for mount in each.get("volumeMounts", ())}
        assert volumes == mounts, name


def test_what_may_be_written_is_what_the_image_names(objects: Objects) -> None:
    for component in ("operator", "bridge"):
        if objects.of_kind("Deployment")[0:] and any(n.endswith(component) for n, _ in pods(objects)):
            mounts = objects.pod(component)["containers"][0]["volumeMounts"]
            written = {mount["mountPath"] for mount in mounts if not mount.get("readOnly")}
            allowed = {
                "/tmp",
                "/var/lib/previewcloud",
                "/var/cache/previewcloud",
                "/run/engine/docker.sock",
                "/more",
            }
            assert written <= allowed


def test_every_file_that_a_variable_names_is_mounted(objects: Objects) -> None:
    for name, pod in pods(objects):
        files = {
            f"/etc/previewcloud/secrets/{item['path']}"
            for volume in pod.get("volumes", ())
            for source in volume.get("projected", {}).get("sources", ())
            for item in source["secret"]["items"]
        }
        named = {
            entry["value"] for entry in pod["containers"][0].get("env", ()) if entry["name"].endswith("_FILE")
        }
        assert named <= files, name


def test_every_variable_is_a_setting_and_stands_once(objects: Objects) -> None:
    for component, model in (("operator", Settings), ("bridge", BridgeSettings)):
        for name, pod in pods(objects):
            if name.endswith(f"-{component}"):
                names = [entry["name"] for entry in pod["containers"][0]["env"]]
                settings = {field.upper() for field in model.model_fields}
                assert len(names) == len(set(names))
                assert set(names) - settings - ELSEWHERE - {"HTTPS_PROXY"} == set()


def test_services_lead_to_ports_of_pods(objects: Objects) -> None:
    ports = {
        (each["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"], port["name"])
        for each in objects.of_kind("Deployment")
        for port in each["spec"]["template"]["spec"]["containers"][0]["ports"]
    }
    for service in objects.of_kind("Service"):
        component = service["spec"]["selector"]["app.kubernetes.io/component"]
        for port in service["spec"]["ports"]:
            assert (component, port["targetPort"]) in ports
    for deployment in objects.of_kind("Deployment"):
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_there_is_one_operator_at_a_time() -> None:
    spec = Objects.of(variant("remote")).named("Deployment", "-operator")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_two_bridges_never_want_the_same_port_of_a_node() -> None:
    def rolls(name: str) -> tuple[int, int]:
        strategy = Objects.of(variant(name)).named("Deployment", "-bridge")["spec"]["strategy"]
        assert strategy["type"] == "RollingUpdate"
        return strategy["rollingUpdate"]["maxSurge"], strategy["rollingUpdate"]["maxUnavailable"]

    assert (rolls("node"), rolls("remote")) == ((0, 1), (1, 0))


@pytest.mark.parametrize("name", ["node", "sqlite far away"])
def test_who_shares_a_volume_or_a_loopback_is_kept_on_one_node(name: str) -> None:
    objects = Objects.of(variant(name))
    claims = set()
    for component in ("operator", "bridge"):
        pod = objects.pod(component)
        (term,) = pod["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        assert term["topologyKey"] == "kubernetes.io/hostname"
        (expression,) = term["labelSelector"]["matchExpressions"]
        assert expression["values"] == ["operator", "bridge"]
        claims |= {
            v["persistentVolumeClaim"]["claimName"] for v in pod["volumes"] if "persistentVolumeClaim" in v
        }
        assert objects.env(component)["LOG_STORE_URL"] == "sqlite:////var/lib/previewcloud/logs.db"
    assert claims == {f"{RELEASE}-previewcloud-logs"}


def test_with_logs_on_a_server_each_may_run_anywhere() -> None:
    objects = Objects.of(variant("remote"))
    assert [objects.pod(each).get("affinity") for each in ("operator", "bridge")] == [None, None]
    assert objects.env("operator")["LOG_STORE_URL_FILE"].endswith("/log_store_url")
    assert objects.of_kind("PersistentVolumeClaim") == ()


def test_an_affinity_of_the_values_is_kept_beside() -> None:
    mine = {
        "nodeAffinity": {"a": 1},
        "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"b": 2}]},
    }
    values = merged(variant("node"), {"operator": {"affinity": mine}})
    affinity = Objects.of(values).pod("operator")["affinity"]
    assert affinity["nodeAffinity"] == {"a": 1}
    assert len(affinity["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]) == 2


def test_the_engine_is_reached_by_its_socket_and_its_group() -> None:
    objects = Objects.of(variant("node"))
    pod = objects.pod("operator")
    assert pod["securityContext"]["supplementalGroups"] == [999]
    assert {"path": "/var/run/docker.sock", "type": "Socket"} in [v.get("hostPath") for v in pod["volumes"]]
    assert objects.env("operator")["DOCKER_HOST"] == "unix:///run/engine/docker.sock"
    assert "hostPath" not in str(objects.pod("bridge"))


def test_a_far_engine_is_reached_by_tls_alone() -> None:
    objects = Objects.of(variant("remote"))
    env, pod = objects.env("operator"), objects.pod("operator")
    assert (env["DOCKER_HOST"], env["DOCKER_TLS_VERIFY"]) == ("tcp://engine.example.com:2376", "1")
    (volume,) = [v for v in pod["volumes"] if v["name"] == "engine-tls"]
    (mount,) = [m for m in pod["containers"][0]["volumeMounts"] if m["name"] == "engine-tls"]
    assert (volume["secret"]["secretName"], mount["mountPath"]) == (
        "previewcloud-engine",
        env["DOCKER_CERT_PATH"],
    )
    assert "hostPath" not in str(objects.all)


def test_with_the_engine_on_the_node_only_the_node_reaches_routing_and_pages() -> None:
    objects = Objects.of(variant("node"))
    assert objects.env("operator")["ROUTING_LISTEN"] == "127.0.0.1:8090"
    assert objects.env("bridge")["CATCHALL_LISTEN"] == "127.0.0.1:8091"
    names = {each["metadata"]["name"].rpartition("-")[2] for each in objects.of_kind("Service")}
    assert names == {"operator", "bridge"}


def test_routing_goes_on_while_the_operator_is_not_ready() -> None:
    objects = Objects.of(variant("remote"))
    routing, pages = (
        objects.named("Service", "-routing")["spec"],
        objects.named("Service", "-catchall")["spec"],
    )
    assert routing["publishNotReadyAddresses"] is True
    assert "publishNotReadyAddresses" not in pages


def test_metrics_are_not_reached_from_outside() -> None:
    (ingress,) = Objects.of(variant("remote")).of_kind("Ingress")
    paths = [path["path"] for path in ingress["spec"]["rules"][0]["http"]["paths"]]
    assert paths == ["/api", "/previews"]


def test_the_logs_and_the_definition_stay_at_uninstall() -> None:
    objects = Objects.of(variant("node"))
    keep = {"helm.sh/resource-policy": "keep"}
    assert objects.named("PersistentVolumeClaim", "-logs")["metadata"]["annotations"] == keep
    (crd,) = objects.of_kind("CustomResourceDefinition")
    assert crd["metadata"]["annotations"] == keep


def test_no_secret_is_made_unless_that_is_asked_for() -> None:
    for name in MORE:
        made = Objects.of(variant(name)).of_kind("Secret")
        assert len(made) == (1 if name == "for trying out" else 0), name


def test_roles_are_of_the_watched_namespace_alone() -> None:
    objects = Objects.of(variant("node"))
    assert objects.of_kind("ClusterRole") == objects.of_kind("ClusterRoleBinding") == ()
    assert {each["metadata"]["namespace"] for each in objects.of_kind("Role")} == {"previews"}
    wide = Objects.of(variant("all namespaces"))
    assert {each["metadata"]["name"] for each in wide.of_kind("ClusterRole")} == {
        f"previewcloud-{RELEASE}-previewcloud-operator",
        f"previewcloud-{RELEASE}-previewcloud-bridge-watch",
    }


def test_no_rule_has_a_wildcard() -> None:
    for name in MORE:
        objects = Objects.of(variant(name))
        for role in (*objects.of_kind("Role"), *objects.of_kind("ClusterRole")):
            assert "*" not in str(role["rules"])
