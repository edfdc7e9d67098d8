"""The other side of `bridge`: the least that a webhook can do, which is to read the body and check its HMAC.

Run as `python -m bench.bare_webhook PORT`; the secret is in GITHUB_WEBHOOK_SECRET.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sys

from aiohttp import web

SECRET = web.AppKey("secret", bytes)


async def check(request: web.Request) -> web.Response:
    """202 when the signature is right, else 401."""
    body = await request.read()
    expected = "sha256=" + hmac.new(request.app[SECRET], body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, request.headers.get("X-Hub-Signature-256", "")):
        return web.Response(status=401)
    return web.json_response({"success": True}, status=202)


def main() -> None:
    """Serve on 127.0.0.1:PORT until stopped."""
    app = web.Application(client_max_size=1 << 25)
    app[SECRET] = os.environ["GITHUB_WEBHOOK_SECRET"].encode()
    app.router.add_post("/", check)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)


if __name__ == "__main__":
    main()
