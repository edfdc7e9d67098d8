import json
from pathlib import Path

from dev import ports
from dev.node import release
from dev.node.place import NodePlace
from dev.node.release import Engine, Settings
from dev.node.subnets import Subnets
from dev.site import site_from

PLACE = NodePlace(
    site_from({"PREVIEWCLOUD_STATE": "/a/.local"}, Path("/checkout")),
    Subnets("10.232.4.0/24", "10.232.5.0/24"),
)
PORTS = ports.choose("local-abc", lambda port: True)
OPERATOR = {
    "KUBECONFIG": "/a/.local/kubeconfig",
    "DOCKER_HOST": "unix:///var/run/docker.sock",
    "INSTALLATION_ID": "local-abc",
    "PREVIEW_DOMAIN": "localhost",
    "PREVIEW_PORT": "20001",
    "TRAEFIK_HTTP_URL": "http://127.0.0.1:20001",
    "TRAEFIK_PROBE_URL": "http://127.0.0.1:20002",
    "TRAEFIK_METRICS_URL": "http://127.0.0.1:20003",
    "POSTGRES_URL": "postgresql://postgres:hidden-1@127.0.0.1/postgres",
    "POSTGRES_PREVIEW_ADDRESS": "10.213.4.1:20006",
    "TOOLS_IMAGE": "previewcloud/tools:1",
}
BRIDGE = {
    "PREVIEW_NAMESPACE": "default",
    "BRIDGE_URL": "http://127.0.0.1:20012",
    "API_KEY": "hidden-2",
    "GITHUB_WEBHOOK_SECRET": "hidden-3",
    "OPERATOR_TOKEN": "hidden-4",
    "GITHUB_CLONE_URL": "http://127.0.0.1:20010",
}
OWNED = {"operator": ["INSTALLATION_ID", "PREVIEW_DOMAIN", "PREVIEW_PORT"], "bridge": ["PREVIEW_NAMESPACE"]}
SETTINGS = Settings(OPERATOR, BRIDGE, OWNED)


def _values(settings: Settings = SETTINGS) -> dict[str, object]:
    engine = Engine("/var/run/docker.sock", 999)
    return release.values(settings, PLACE, PORTS, engine, ("previewcloud/previewcloud", "local-1"))


def test_no_secret_stands_in_the_values() -> None:
    assert "hidden" not in json.dumps(_values())


def test_every_secret_that_the_values_name_is_made() -> None:
    made = json.dumps(release.manifests(SETTINGS, "/logs"))
    assert all(secret in made for secret in ("hidden-1", "hidden-2", "hidden-3", "hidden-4"))


def test_settings_that_the_chart_does_not_write_itself_are_passed_on_by_name() -> None:
    assert SETTINGS.further("operator").keys() >= {"TOOLS_IMAGE"}
    assert not SETTINGS.further("operator").keys() & {"INSTALLATION_ID", "KUBECONFIG", "POSTGRES_URL"}
    assert "GITHUB_CLONE_URL" in SETTINGS.further("bridge")


def test_a_server_without_a_url_is_left_out() -> None:
    databases = _values()["databases"]
    assert isinstance(databases, dict)
    assert databases["mysql"] == {}
    assert databases["postgres"]["previewAddress"] == "10.213.4.1:20006"


def test_a_token_for_github_is_named_when_there_is_one() -> None:
    bridge = {**BRIDGE, "GITHUB_TOKEN": "hidden-5"}
    assert "githubTokenSecret" not in json.dumps(_values())
    assert "githubTokenSecret" in json.dumps(_values(Settings(OPERATOR, bridge, OWNED)))
