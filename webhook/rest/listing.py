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
    repositories = frozenset(map(str.lower, claims.repositories))
    rendered = map(renderings.of, previews)
    found = [item for item in rendered if _sees(repositories, item.repository) and _matches(query, item)]
    renderings.keep({preview.metadata.uid: preview for preview in previews}.keys())
    begin = (query.page - 1) * query.page_size
    pages = -(-len(found) // query.page_size)
    pagination = Pagination(page=query.page, page_size=query.page_size, pages=pages)
    return b'{"success":true,"data":[%b],"count":%d,"pagination":%b}' % (
        b",".join(item.json for item in found[begin : begin + query.page_size]),
        len(found),
        pagination.model_dump_json(by_alias=True).encode(),
    )


def _sees(repositories: frozenset[str], repository: str) -> bool:
    return repository in repositories or ALL_REPOSITORIES in repositories


def _matches(query: ListQuery, item: Rendered) -> bool:
    if query.status is not None and item.status is not query.status:
        return False
    owner, _, name = item.repository.partition("/")
    return (query.repo_owner is None or query.repo_owner.lower() == owner) and (
        query.repo_name is None or query.repo_name.lower() == name
    )
