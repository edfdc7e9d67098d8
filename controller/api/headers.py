"""The headers by which operator, Traefik and bridge understand each other.

Traefik's routers, which the operator describes, set and erase them; no visitor and no application can forge
one.
"""

from __future__ import annotations

from typing import Final

INSTANCE_HEADER: Final = "X-Preview-Instance"
"""Response header in which the proxy names the instance behind a router; an application cannot forge it."""
PAGE_HEADER: Final = "X-Preview-Page"
"""Request header with the name of a host's own router: by it the bridge knows whose visitor it is, and that
the password, where one is asked for, was given."""
FORWARD_HEADER: Final = "X-Preview-Forward"
"""Request header that names an instance on the private entry point, in place of a host: what the bridge held
reaches what was woken with the Host that the visitor asked for."""
BRIDGE_TOKEN_HEADER: Final = "X-Preview-Token"  # noqa: S105 - a name
"""Request header by which Traefik shows the bridge that it is Traefik. It goes to nobody else."""
PROBE_AGENT: Final = "previewcloud-probe"
"""The User-Agent of the platform's own questions: they are nobody's visit."""
