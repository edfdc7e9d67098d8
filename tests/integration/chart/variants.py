"""Values with which the chart is rendered in these tests: both examples, and whatever may be switched on."""

from __future__ import annotations

from collections.abc import Mapping

from tests.integration.chart.chart import Json, example, merged

MORE: Mapping[str, tuple[str, Json]] = {
    "node": ("node", {}),
    "remote": ("remote", {}),
    "for trying out": (
        "node",
        {
            "secrets": {"create": True, "postgresUrl": "postgres://admin@10.0.0.8/postgres"},
            "routing": {"tokenSecret": {"name": ""}},
            "databases": {"postgres": {"urlSecret": {"name": ""}}},
        },
    ),
    "all namespaces": ("node", {"watchNamespace": "", "bridge": {"previewNamespace": "previews"}}),
    "no bridge": ("node", {"bridge": {"enabled": False}, "ingress": {"enabled": False}}),
    "sqlite far away": ("remote", {"logs": {"store": "sqlite", "urlSecret": {"name": ""}}}),
    "everything": (
        "remote",
        {
            "image": {"digest": f"sha256:{'0' * 64}"},
            "imagePullSecrets": ["registry"],
            "crd": {"install": True},
            "traefik": {"certificateSecret": "wildcard"},
            "routing": {"service": {"type": "NodePort", "nodePort": 30090, "loadBalancerSourceRanges": []}},
            "persistence": {"cache": {"enabled": True, "storageClass": "-"}},
            "logs": {"archive": {"url": "s3://logs/previews", "loginSecret": "archive"}},
            "tracesUrl": "http://collector:4318",
            "operator": {
                "priorityClassName": "system-cluster-critical",
                "tolerations": [{"key": "previews", "operator": "Exists"}],
                "affinity": {"nodeAffinity": {}},
                "podAnnotations": {"a": "b"},
                "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
                "extraVolumes": [{"name": "more", "emptyDir": {}}],
                "extraVolumeMounts": [{"name": "more", "mountPath": "/more"}],
                "hostAliases": [{"ip": "10.0.0.7", "hostnames": ["engine.example.com"]}],
            },
            "bridge": {"webhookPreviousSecret": {"name": "old"}, "apiKeyPreviousSecret": {"name": "old"}},
            "networkPolicy": {
                "bridgeFrom": [{"namespaceSelector": {}}],
                "metricsFrom": [{"podSelector": {}}],
            },
            "serviceMonitor": {"enabled": True},
            "prometheusRule": {"enabled": True},
            "dashboard": {"enabled": True},
        },
    ),
}


def variant(name: str) -> Json:
    """Values by their name."""
    base, more = MORE[name]
    return merged(example(base), more)
