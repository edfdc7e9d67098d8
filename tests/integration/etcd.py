"""What etcd holds, read past the API server."""

from __future__ import annotations

import base64
import json
import urllib.request

EVERYTHING = base64.b64encode(b"\0").decode()


def stored(address: str) -> dict[bytes, bytes]:
    """Everything that the etcd at this address has, key by key."""
    body = json.dumps({"key": EVERYTHING, "range_end": EVERYTHING}).encode()
    request = urllib.request.Request(f"{address}/v3/kv/range", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        pairs = json.load(response)["kvs"]
    return {base64.b64decode(each["key"]): base64.b64decode(each["value"]) for each in pairs}
