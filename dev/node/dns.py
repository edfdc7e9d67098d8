"""Names in the cluster: CoreDNS on the node's address for Services, the machine's own servers for others."""

from __future__ import annotations

from pathlib import Path

from dev.node.place import NodePlace

DOMAIN = "cluster.local"
RESOLVERS = Path("/etc/resolv.conf")
KUBERNETES = """\
  kubernetes {domain} in-addr.arpa {{
    kubeconfig {login}
    fallthrough in-addr.arpa
  }}
"""
FORWARD = f"  forward . {RESOLVERS}\n"


def corefile(place: NodePlace, login: Path, resolvers: str) -> str:
    """Return its configuration; `login` is its kubeconfig, `resolvers` the text of resolv.conf."""
    names = KUBERNETES.format(domain=DOMAIN, login=login)
    others = FORWARD if any(line.startswith("nameserver") for line in resolvers.splitlines()) else ""
    return f".:53 {{\n  bind {place.address}\n  errors\n  cache 5\n{names}{others}}}\n"
