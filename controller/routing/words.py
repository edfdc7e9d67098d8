"""Words that labels and configuration share: names, priorities, and rules made safe before they are written.

A rule is a small language of the proxy, and what comes from a pull request is hostile: what does not match
the strict patterns below is refused, never escaped.
"""

from __future__ import annotations

import re
from typing import Final

from controller.api.errors import InvalidSpec
from controller.api.headers import FORWARD_HEADER
from controller.api.names import short_hash

PAGE: Final = "page"
"""What stands in the instance header when the page answers through a host's own router."""
PROBE_DOMAIN: Final = "probe.internal"
CATCHALL: Final = "catchall"
"""The router of every other host, and what stands in the instance header when it leads to the page."""
BRIDGE: Final = "bridge"
"""The middleware that shows the bridge who asks, and the transport that knows the bridge's authority."""
REALM: Final = "preview"

CATCHALL_PRIORITY: Final = 1
GUARD_PRIORITY: Final = 5
FALLBACK_PRIORITY: Final = 10
PUBLIC_PRIORITY: Final = 100

_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*\Z")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,126}[a-z0-9])?\Z")
_USERS = re.compile(r"[A-Za-z0-9._-]{1,64}:\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}\Z")


def host_rule(host: str) -> str:
    """The rule that matches one host; raises InvalidSpec for anything but a lower-case DNS name."""
    if not _HOST.match(host):
        raise InvalidSpec(
            "RouteInvalid", f"{host!r} cannot be a preview's host: expected a lower-case DNS name."
        )
    return f"Host(`{host}`)"


def checked_name(name: str) -> str:
    """A router's or instance's name, given back as it is; raises InvalidSpec for anything but `[a-z0-9-]`."""
    if not _NAME.match(name):
        raise InvalidSpec(
            "RouteInvalid", f"{name!r} cannot name a router: expected letters, digits and hyphens."
        )
    return name


def checked_users(users: str) -> str:
    """An htpasswd line, given back as it is; raises InvalidSpec for anything but `name:<bcrypt hash>`."""
    if not _USERS.match(users):
        raise InvalidSpec(
            "PasswordInvalid", "A preview's password must be given as one bcrypt htpasswd line."
        )
    return users


def auth_name(users: str) -> str:
    """The password middleware, named by what it asks for: another password is another middleware."""
    return f"auth-{short_hash(users, 12)}"


def identity_name(instance: str) -> str:
    """The middleware that puts the instance's name into responses."""
    return f"{instance}-identity"


def page_name(router: str) -> str:
    """What leads a public router's host to the page: a router and its middleware.

    No slug or service has an underscore: these names collide with no router that counts as access.
    """
    return f"page_{checked_name(router)}"


def forward_rule(instance: str) -> str:
    """The rule of an instance's private router: its own host, or any host and its name in the header."""
    return f"{host_rule(probe_host(instance))} || Header(`{FORWARD_HEADER}`, `{checked_name(instance)}`)"


def probe_host(instance: str) -> str:
    """The host under which an instance answers on the private entry point."""
    return f"{checked_name(instance)}.{PROBE_DOMAIN}"
