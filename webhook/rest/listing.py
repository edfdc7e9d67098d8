"""The list of previews: filtered, cut into pages, joined from the JSON of each Preview, rendered once."""

from __future__ import annotations

from collections.abc import Sequence

from controller.api.preview import Preview
from webhook.rest.answer import Rendered, Renderings
from webhook.rest.models import ListQuery
from webhook.rest.shapes import Pagination
from webhook.tokens import ALL_REPOSITORIES, Claims


def page(previews: Sequence[Preview], query: ListQuery, claims: Claims, renderings: Renderings) -> bytes:
    """One page as JSON (`ListSuccess`).

    Args:
        previews: all that there are, in the order of the answer.
        query: which of them, and which page.
        claims: whose token it is; only its repositories are seen.
        renderings: their JSON.
    """
    found = _found(renderings.of(previews), query, claims)
    begin = (query.page - 1) * query.page_size
    pages = -(-len(found) // query.page_size)
    pagination = Pagination(page=query.page, page_size=query.page_size, pages=pages)
    return b'{"success":true,"data":[%b],"count":%d,"pagination":%b}' % (
        b",".join(item.json for item in found[begin : begin + query.page_size]),
        len(found),
        pagination.model_dump_json(by_alias=True).encode(),
    )


def _found(rendered: Sequence[Rendered], query: ListQuery, claims: Claims) -> Sequence[Rendered]:
    repositories = frozenset(map(str.lower, claims.repositories))
    if ALL_REPOSITORIES not in repositories:
        rendered = [item for item in rendered if item.repository in repositories]
    if query.status is None and query.repo_owner is None and query.repo_name is None:
        return rendered
    return [item for item in rendered if _matches(query, item)]


def _matches(query: ListQuery, item: Rendered) -> bool:
    owner, _, name = item.repository.partition("/")
    return (
        (query.status is None or query.status is item.status)
        and (query.repo_owner is None or query.repo_owner.lower() == owner)
        and (query.repo_name is None or query.repo_name.lower() == name)
    )
