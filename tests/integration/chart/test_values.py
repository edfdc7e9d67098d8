"""Values that cannot work are refused with a sentence that says what to do."""

from __future__ import annotations

import pytest
import yaml

from tests.integration.chart.chart import CHART, Json, Objects, Refused, helm, merged, render
from tests.integration.chart.variants import variant

WRONG: dict[str, tuple[str, Json, str]] = {
    "a key that there is not": ("node", {"opertor": {}}, "additional properties 'opertor' not allowed"),
    "a setting that there is not": (
        "node",
        {"operator": {"settings": {"MAX_PREVIEW": 3}}},
        "at '/operator/settings': additional properties 'MAX_PREVIEW' not allowed",
    ),
    "a setting out of its bounds": (
        "node",
        {"operator": {"settings": {"ENGINE_CALLS": 65}}},
        "at '/operator/settings/ENGINE_CALLS': maximum: got 65, want 64",
    ),
    "a setting that is no such choice": (
        "node",
        {"operator": {"settings": {"LIMIT_POLICY": "refuse"}}},
        "value must be one of 'evict', 'queue'",
    ),
    "a time that is none": ("node", {"operator": {"settings": {"SLEEP_AFTER": "2 hours"}}}, "SLEEP_AFTER"),
    "the bridge's setting at the operator": (
        "node",
        {"operator": {"settings": {"PREVIEW_DRAFTS": False}}},
        "additional properties 'PREVIEW_DRAFTS' not allowed",
    ),
    "a setting that the chart writes": (
        "node",
        {"operator": {"settings": {"PREVIEW_DOMAIN": "a.example.com"}}},
        "operator.settings.PREVIEW_DOMAIN: the chart writes this setting itself; set previews.domain.",
    ),
    "a secret among the settings": (
        "node",
        {"bridge": {"settings": {"GITHUB_TOKEN": "ghp_x"}}},
        "set bridge.githubTokenSecret.",
    ),
    "no engine": ("node", {"engine": {"socket": {"enabled": False}}}, "engine: say where previews run"),
    "two engines": ("node", {"engine": {"host": "tcp://e:2376", "tlsSecret": "e"}}, "there is one engine"),
    "an engine without TLS": ("remote", {"engine": {"tlsSecret": ""}}, "is root on the engine's host"),
    "an engine by ssh": ("remote", {"engine": {"host": "ssh://e"}}, "at '/engine/host'"),
    "a socket without its group": ("node", {"engine": {"socket": {"group": None}}}, "engine.socket.group"),
    "a socket of any node": (
        "node",
        {"operator": {"nodeSelector": {"kubernetes.io/hostname": None}}},
        "operator.nodeSelector",
    ),
    "one of two on the node's network": (
        "node",
        {"bridge": {"hostNetwork": False}},
        "both, or neither",
    ),
    "no token for routing": ("node", {"routing": {"tokenSecret": {"name": ""}}}, "routing.tokenSecret.name"),
    "routing over the network without TLS": ("remote", {"routing": {"tlsSecret": ""}}, "routing.tlsSecret"),
    "pages over the network without a token": (
        "remote",
        {"catchall": {"tokenSecret": {"name": ""}}},
        "catchall.tokenSecret.name",
    ),
    "pages by plain http": ("remote", {"catchall": {"url": "http://a:8091"}}, "begins with https://"),
    "no way to a far Traefik": ("remote", {"traefik": {"probeUrl": ""}}, "traefik.probeUrl"),
    "ranges that nobody keeps to": (
        "remote",
        {"routing": {"service": {"type": "NodePort"}}},
        "routing.service.loadBalancerSourceRanges: only a Service of type LoadBalancer",
    ),
    "two bridges": ("remote", {"bridge": {"replicas": 2}}, "bridge.replicas: at most 1"),
    "a bridge that does not see its Previews": (
        "node",
        {"bridge": {"previewNamespace": "other"}},
        "set both to the same one",
    ),
    "logs on a server that has no name": ("remote", {"logs": {"urlSecret": {"name": ""}}}, "logs.urlSecret"),
    "logs in a file on no volume": ("node", {"persistence": {"logs": {"enabled": False}}}, "share one file"),
    "an archive in no directory": (
        "remote",
        {"logs": {"archive": {"url": "file:///srv/archive"}}},
        "s3://<bucket>/<prefix>",
    ),
    "an ingress without a host": ("node", {"ingress": {"host": ""}}, "ingress.host"),
    "an App without its key": (
        "remote",
        {"bridge": {"githubAppKeySecret": {"name": ""}}},
        "githubAppKeySecret",
    ),
    "a policy for the node's network": ("node", {"networkPolicy": {"enabled": True}}, "the node's firewall"),
    "a password beside secrets.create": (
        "node",
        {"secrets": {"postgresUrl": "postgres://"}},
        "secrets.postgresUrl",
    ),
    "a root's port": ("node", {"operator": {"ports": {"metrics": 80}}}, "minimum: got 80, want 1,024"),
    "an installation's id in capitals": ("node", {"installationId": "Prod"}, "at '/installationId'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_work_is_refused(name: str) -> None:
    base, change, sentence = WRONG[name]
    with pytest.raises(Refused) as refused:
        render(merged(variant(base), change))
    assert sentence in str(refused.value)


def test_numbers_and_lists_become_what_settings_read() -> None:
    settings = {
        "CACHE_BYTES": 10737418240,
        "ACCESS_INTERVAL": 0.5,
        "GIT_ALLOWED_HOSTS": ["github.com", "git.example.com"],
        "GIT_ALLOW_HTTP": True,
        "SLEEP_AFTER": 0,
        "MAX_CPU": 1.5,
    }
    env = Objects.of(merged(variant("node"), {"operator": {"settings": settings}})).env("operator")
    assert {name: env[name] for name in settings} == {
        "CACHE_BYTES": "10737418240",
        "ACCESS_INTERVAL": "0.5",
        "GIT_ALLOWED_HOSTS": "github.com,git.example.com",
        "GIT_ALLOW_HTTP": "true",
        "SLEEP_AFTER": "0",
        "MAX_CPU": "1.5",
    }


def test_the_id_of_an_app_may_be_a_number() -> None:
    values = merged(variant("remote"), {"bridge": {"githubAppId": 12345678}})
    assert Objects.of(values).env("bridge")["GITHUB_APP_ID"] == "12345678"


def notes(name: str) -> str:
    """What is said at the end of an installation."""
    words = ("--dry-run=client", "--namespace", "previewcloud", "--values", "-")
    said = helm("install", "pc", str(CHART), *words, stdin=yaml.safe_dump(variant(name)))
    return said.partition("NOTES:")[2]


def test_the_notes_say_what_a_socket_means_and_what_to_do_next() -> None:
    said = notes("node")
    assert "whoever takes over its pod is root on that node" in said
    assert "--provider-url http://127.0.0.1:8090/traefik" in said
    assert "https://previewcloud.example.com/api/webhooks/github" in said
    assert "Secrets of all namespaces" not in said


def test_the_notes_warn_of_what_is_only_for_trying_out_and_of_wide_rights() -> None:
    assert "secrets.create is for trying out" in notes("for trying out")
    assert "Secrets of all namespaces" in notes("all namespaces")
    assert "root on that node" not in notes("remote")
