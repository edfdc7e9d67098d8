"""The bridge that pods hang on. Its address is the node's; the API server listens there before any pod."""

from __future__ import annotations

import json
from pathlib import Path

from dev import commands
from dev.node.place import NodePlace

FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
PACKAGES = {"ip": "iproute2", "iptables": "iptables"}


def ensure(place: NodePlace) -> None:
    """Make the bridge with its address, and let the machine forward packets, as Docker does too."""
    commands.install_packages(PACKAGES)
    if not _exists(place):
        commands.run(["ip", "link", "add", place.bridge, "type", "bridge"])
    prefix = place.subnets.pods.partition("/")[2]
    commands.run(["ip", "address", "replace", f"{place.address}/{prefix}", "dev", place.bridge])
    commands.run(["ip", "link", "set", place.bridge, "up"])
    if FORWARDING.read_text().strip() != "1":
        FORWARDING.write_text("1")


def remove(place: NodePlace) -> None:
    """Remove the bridge and whatever still hangs on it."""
    if not _exists(place):
        return
    hanging = json.loads(commands.run(["ip", "-json", "link", "show", "master", place.bridge]) or "[]")
    for link in (str(one["ifname"]) for one in hanging if one):
        commands.run(["ip", "link", "delete", link])
    commands.run(["ip", "link", "delete", place.bridge])


def _exists(place: NodePlace) -> bool:
    return Path(f"/sys/class/net/{place.bridge}").exists()
