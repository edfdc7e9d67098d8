from __future__ import annotations

from controller.api.names import PreviewKey
from controller.routing.protocol import PublicRoute
from controller.routing.table import RouteTable

KEY = PreviewKey("team", "pr-1")
ROUTE = PublicRoute("pr-1-web", "pr-1-acme.web.localhost", "web-a")


def test_the_same_routes_again_leave_the_version_alone() -> None:
    table = RouteTable()
    table.publish(KEY, (ROUTE,))
    version = table.version
    table.publish(KEY, (ROUTE,))
    assert table.version == version


def test_a_changed_route_is_a_new_version_of_its_preview_only() -> None:
    table = RouteTable()
    other = PreviewKey("team", "pr-2")
    table.publish(other, ())
    table.publish(KEY, (ROUTE,))
    first, second = table.entry(other), table.entry(KEY)
    assert first is not None
    assert second is not None
    assert first.version < second.version == table.version


def test_hosts_that_are_left_out_or_withdrawn_are_unknown() -> None:
    table = RouteTable()
    table.publish(KEY, (ROUTE,))
    assert list(table.routes()) == [ROUTE]
    table.publish(KEY, ())
    assert list(table.routes()) == []
    table.publish(KEY, (ROUTE,))
    table.withdraw(KEY)
    assert table.entry(KEY) is None
    assert list(table.routes()) == []


def test_withdrawing_what_is_not_there_changes_nothing() -> None:
    table = RouteTable()
    table.withdraw(KEY)
    assert table.version == 0
