"""How often somebody may ask: a bucket of requests per token and per address, refilled as time passes.

Refused authentications have a bucket of their own, a tenth as large, so that guessing ends early. There are
at most so many buckets; the one that was used longest ago goes first.
"""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict
from collections.abc import Iterable

from controller.api.errors import InvalidSpec
from controller.clock import Clock
from webhook.rest.refusals import Refusal

BUCKETS_MAX = 10_000
_SITE_BITS = 64  # RFC 4291, section 2.5.4: what lies behind the first 64 bits is one site's own choice
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Buckets:
    """Buckets by name, each of as many requests as may come in a minute.

    Args:
        per_minute: requests in a minute; also how many may come at once.
        clock: its seconds refill the buckets.
        most: buckets that are remembered.
    """

    def __init__(self, per_minute: int, clock: Clock, most: int = BUCKETS_MAX) -> None:
        self._size = float(per_minute)
        self._clock = clock
        self._most = most
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._levels)

    def take(self, name: str) -> float:
        """Use one up; gives the seconds after which there is one again, 0 when there was one now."""
        level = self._level(name)
        wait = self._wait(level)
        self._levels[name] = (level if wait else level - 1, self._clock.monotonic())
        self._levels.move_to_end(name)
        while len(self._levels) > self._most:
            self._levels.popitem(last=False)
        return wait

    def empty_for(self, name: str) -> float:
        """The seconds after which there is one again, without using one up."""
        return self._wait(self._level(name))

    def _level(self, name: str) -> float:
        now = self._clock.monotonic()
        level, since = self._levels.get(name, (self._size, now))
        return min(self._size, level + (now - since) * self._size / 60)

    def _wait(self, level: float) -> float:
        return 0.0 if level >= 1 else (1 - level) * 60 / self._size


class Limits:
    """The buckets of tokens and of addresses.

    Args:
        per_token: requests that one token may make a minute.
        per_address: requests that one address may make a minute; a tenth of that when they are refused.
        clock: its seconds refill the buckets.
    """

    def __init__(self, per_token: int, per_address: int, clock: Clock) -> None:
        self._tokens = Buckets(per_token, clock)
        self._addresses = Buckets(per_address, clock)
        self._refused = Buckets(max(1, per_address // 10), clock)

    def address(self, address: str) -> None:
        """An address asks; raises Refusal (429) when it asks too often, or was refused too often."""
        name = site(address)
        _refuse(max(self._addresses.take(name), self._refused.empty_for(name)))

    def refused(self, address: str) -> None:
        """An address was refused."""
        self._refused.take(site(address))

    def token(self, jti: str) -> None:
        """A token is used; raises Refusal (429) when that is too often."""
        _refuse(self._tokens.take(jti))


def _refuse(seconds: float) -> None:
    if seconds:
        wait = str(math.ceil(seconds))
        raise Refusal(
            429, "TooManyRequests", f"Too many requests; try again in {wait} s.", {"Retry-After": wait}
        )


def site(address: str) -> str:
    """Whose an address is: itself, of IPv6 the network that one site has."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), _SITE_BITS), strict=False))


class Proxies:
    """The proxies whose X-Forwarded-For is believed.

    Args:
        names: their addresses, or networks such as 10.0.0.0/8.

    Raises:
        InvalidSpec: TrustedProxiesInvalid.
    """

    def __init__(self, names: Iterable[str]) -> None:
        try:
            self._networks: tuple[Network, ...] = tuple(
                ipaddress.ip_network(name, strict=False) for name in names
            )
        except ValueError:
            raise InvalidSpec(
                "TrustedProxiesInvalid", "TRUSTED_PROXIES must hold addresses or networks, by comma."
            ) from None

    def client(self, peer: str, forwarded: str) -> str:
        """Who asks: the peer, or behind trusted proxies the last address that none of them has.

        Args:
            peer: where the connection comes from.
            forwarded: the X-Forwarded-For header; each proxy appends whom it was asked by.
        """
        hops = [peer, *(hop.strip() for hop in reversed(forwarded[:4096].split(",")) if hop.strip())]
        believed = peer
        for hop in hops:
            if not _is_address(hop):
                break
            believed = hop
            if not self._trusts(hop):
                break
        return believed

    def _trusts(self, address: str) -> bool:
        parsed = ipaddress.ip_address(address.partition("%")[0])
        return any(parsed.version == network.version and parsed in network for network in self._networks)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True
