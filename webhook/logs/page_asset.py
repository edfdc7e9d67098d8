"""The log page's own files: read once, served under a name that changes with what is in them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from string import Template

from aiohttp import web

FOLDER = Path(__file__).parent / "page"
_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", "Referrer-Policy": "no-referrer"}


@dataclass(frozen=True)
class Asset:
    """A file that browsers may keep for ever."""

    address: str
    """Relative to the pages."""
    content: bytes
    media: str

    @classmethod
    def of(cls, name: str, media: str) -> Asset:
        """The file of a name."""
        content = (FOLDER / name).read_bytes()
        mark = hashlib.sha256(content).hexdigest()[:12]
        return cls(f"assets/{mark}-{name}", content, media)

    async def get(self, request: web.Request) -> web.Response:
        """Serve it."""
        return web.Response(body=self.content, content_type=self.media, charset="utf-8", headers=_HEADERS)


def template(name: str) -> Template:
    """The template of a name."""
    return Template((FOLDER / name).read_text(encoding="utf-8"))
