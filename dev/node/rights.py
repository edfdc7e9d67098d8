"""Rights that Kubernetes does not give by itself: the API server's at the kubelet, and those of DNS."""

from __future__ import annotations

import json

API_SERVER = "kube-apiserver-kubelet-client"
"""The name that the API server has at the kubelet."""
COREDNS = "system:coredns"
GROUP = "rbac.authorization.k8s.io"
WATCH = ["list", "watch"]


def manifest() -> bytes:
    """Return them as a list to apply."""
    read = [
        {"apiGroups": [""], "resources": ["namespaces", "services"], "verbs": WATCH},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": WATCH},
    ]
    role = {"apiVersion": f"{GROUP}/v1", "kind": "ClusterRole", "metadata": {"name": COREDNS}, "rules": read}
    items = [role, _binding(COREDNS, COREDNS), _binding(API_SERVER, "system:kubelet-api-admin")]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items}).encode()


def _binding(user: str, role: str) -> dict[str, object]:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": user},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": GROUP, "kind": "User", "name": user}],
    }
