"""The product on a real kubelet, installed by its chart, in the order in which one would live with it."""

import json

import pytest

from dev.docker_cli import INSTALLATION_LABEL
from dev.node.release import NAME, NAMESPACE
from dev.processes import until
from dev.sample import answers
from tests.integration.node.machine import ROOT, Machine, place_of, requests_to, traces

pytestmark = pytest.mark.timeout(900)
"""Making the image comes first, where it is not there yet."""
SECONDS = 90.0
WORKLOAD = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: knock}
spec:
  selector: {matchLabels: {app: knock}}
  template:
    metadata: {labels: {app: knock}}
    spec:
      containers:
        - name: knock
          image: previewcloud/pause:1
          command: [/busybox, sh, -c, "echo here > /tmp/index.html; exec /busybox httpd -f -p 8080 -h /tmp"]
          readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: knock}
spec: {selector: {app: knock}, ports: [{port: 80, targetPort: 8080}]}
"""


def test_the_chart_makes_a_preview_that_answers(machine: Machine) -> None:
    machine.wait_for_pods()
    assert list(machine.pods("operator").values()) == [0]
    _, services = machine.preview()
    assert set(services) == {"api", "web"}
    assert answers(machine.url())


def test_helm_test_passes(machine: Machine) -> None:
    assert "Succeeded" in machine.helm("test", NAME)


def test_the_operators_log_is_read_from_its_pod_one_json_object_a_line(machine: Machine) -> None:
    lines = machine.kubectl("logs", "-n", NAMESPACE, "deployment/previewcloud-operator").splitlines()
    entries = [json.loads(line) for line in lines]
    assert any(entry.get("preview") == "default/pr-1" for entry in entries)


def test_a_command_runs_in_the_operators_pod_as_nobody_in_particular(machine: Machine) -> None:
    ran = machine.kubectl("exec", "-n", NAMESPACE, "deployment/previewcloud-operator", "--", "id", "-u")
    assert ran.strip() == "10001"


def test_pods_find_each_other_by_service(machine: Machine) -> None:
    machine.kubectl("apply", "-f", "-", stdin=WORKLOAD)
    machine.kubectl("rollout", "status", "deployment/knock", "--timeout=60s")
    ask = ("exec", "deployment/knock", "--", "/busybox", "nslookup", "knock.default.svc.cluster.local")
    address = machine.kubectl("get", "service", "knock", "-o", "jsonpath={.spec.clusterIP}")
    assert address in machine.kubectl(*ask)
    page = f"http://{address}/"
    knock = ("exec", "deployment/knock", "--", "/busybox", "wget", "-q", "-O-", page)
    assert machine.kubectl(*knock) == "here\n"
    machine.kubectl("delete", "-f", "-", "--wait=false", stdin=WORKLOAD)


def test_the_kubelet_may_do_what_its_node_needs_and_no_more(machine: Machine) -> None:
    place = place_of(machine)
    login = ("--kubeconfig", str(place.folder / "kubelet.kubeconfig"))
    assert place.name in machine.kubectl(*login, "get", "node", place.name)
    with pytest.raises(AssertionError, match="Forbidden"):
        machine.kubectl(*login, "get", "secrets", "-n", NAMESPACE)


def test_up_again_changes_nothing(machine: Machine) -> None:
    before = (machine.pods("operator"), machine.pods("bridge"), machine.preview(), _revision(machine))
    said = machine.dev("up", "--node")
    assert "is unchanged" in said
    assert (machine.pods("operator"), machine.pods("bridge"), machine.preview(), _revision(machine)) == before


def test_an_upgrade_replaces_the_pods_and_no_visitor_notices(machine: Machine) -> None:
    pods, preview = {**machine.pods("operator"), **machine.pods("bridge")}, machine.preview()
    chart = str(ROOT / "charts/previewcloud")
    changed = [f"--set={part}.podAnnotations.round=two" for part in ("operator", "bridge")]
    with requests_to(machine.url()) as requests:
        machine.helm("upgrade", NAME, chart, "--reuse-values", *changed, "--wait", "--timeout=150s")
    assert requests.sent > 0
    assert requests.failed == 0
    assert not {**machine.pods("operator"), **machine.pods("bridge")}.keys() & pods.keys()
    assert machine.preview() == preview


def test_an_operator_whose_pod_was_killed_comes_back_and_takes_over(machine: Machine) -> None:
    (killed,), preview = machine.pods("operator"), machine.preview()
    machine.kubectl("delete", "pod", "-n", NAMESPACE, killed, "--grace-period=0", "--force")
    assert until(lambda: killed not in machine.pods("operator"), SECONDS)
    machine.wait_for_pods()
    assert machine.preview() == preview
    machine.docker("rm", "--force", preview[1]["web"].split()[0])
    assert until(lambda: set(machine.preview()[1]) == {"api", "web"} and answers(machine.url()), SECONDS)
    assert machine.preview()[1]["api"] == preview[1]["api"]


def test_uninstalled_the_previews_run_on_and_a_new_release_takes_them_over(machine: Machine) -> None:
    preview = machine.preview()
    with requests_to(machine.url()) as requests:
        machine.helm("uninstall", NAME, "--wait", "--timeout=150s")
        assert until(lambda: not machine.pods("operator"), SECONDS)
        assert "previews.previewcloud.io" in machine.kubectl("get", "crd", "-o", "name")
        assert machine.preview() == preview
        machine.dev("up", "--node")
    assert requests.sent > 0
    assert requests.failed == 0
    assert machine.preview() == preview
    assert answers(machine.url())


def test_down_leaves_nothing_on_the_machine(machine: Machine) -> None:
    place = place_of(machine)
    assert {line.split()[0] for line in traces(place)} >= {"process", "link"}
    machine.dev("down")
    assert traces(place) == []
    label = f"{INSTALLATION_LABEL}={place.site.installation}"
    assert machine.docker.labelled("container", label) == []


def _revision(machine: Machine) -> str:
    return str(json.loads(machine.helm("list", "-o", "json"))[0]["revision"])
