"""Who may do what: the address, then the token, then its scope, then the repository."""

from __future__ import annotations

from aiohttp import web

from controller.api.errors import NotReady
from controller.api.preview import Preview
from webhook.rest.api import Api
from webhook.rest.limits import Proxies
from webhook.rest.refusals import SUBJECT_OF_TOKEN, Refusal, not_found
from webhook.tokens import Claims, Scope, TokenRefused

_SCHEME = "bearer "


async def admit(api: Api, proxies: Proxies, request: web.Request, scope: Scope | None) -> Claims | None:
    """Let a request in.

    Args:
        api: limits and verifier.
        proxies: whose X-Forwarded-For is believed.
        request: what came.
        scope: what it needs; None: anybody may.

    Returns:
        What the token says; None where none is needed.

    Raises:
        Refusal: 401, 403, 429, and 503 where there is no key to check tokens with.
    """
    address = counted(api, proxies, request)
    if scope is None:
        return None
    return claims_of(api, request, address, bearer(request), scope)


def counted(api: Api, proxies: Proxies, request: web.Request) -> str:
    """The address that asks; raises Refusal (429) when it asks too often."""
    address = proxies.client(request.remote or "", ",".join(request.headers.getall("X-Forwarded-For", [])))
    api.limits.address(address)
    return address


def claims_of(api: Api, request: web.Request, address: str, token: str, scope: Scope) -> Claims:
    """What a token says, once it is found good for a scope; raises as `admit` does."""
    if api.verifier is None:
        raise Refusal(503, "ApiKeyMissing", "The API has no key to check tokens with: set API_KEY.")
    try:
        if not token:
            raise TokenRefused("A token is needed: Authorization: Bearer <token>.")
        claims = api.verifier.claims(token)
    except TokenRefused as refused:
        raise unauthorized(api, address, str(refused)) from None
    request[SUBJECT_OF_TOKEN] = claims.sub
    api.limits.token(claims.jti)
    if not claims.scope.includes(scope):
        raise Refusal(403, "ScopeMissing", f"This needs a token of scope {scope}.")
    return claims


def unauthorized(api: Api, address: str, why: str) -> Refusal:
    """What an address is told that has no word that opens; it is counted, so that guessing ends."""
    api.limits.refused(address)
    return Refusal(401, "Unauthorized", why, {"WWW-Authenticate": 'Bearer realm="previewcloud"'})


def bearer(request: web.Request) -> str:
    """The token of the Authorization header; empty when there is none."""
    header = request.headers.get("Authorization", "")
    return header[len(_SCHEME) :].strip() if header[: len(_SCHEME)].lower() == _SCHEME else ""


def preview_of(api: Api, claims: Claims, preview_id: str) -> Preview:
    """The Preview of an id; raises Refusal (404), also where the token does not see its repository."""
    preview = api.cluster.by_slug(preview_id)
    if preview is None:
        require_read(api)
    if preview is None or not claims.sees(preview.spec.source.repository):
        raise not_found()
    return preview


def require_read(api: Api) -> None:
    """Raises NotReady (ClusterNotRead) while it is not known which Previews there are."""
    if not api.cluster.ready:
        raise NotReady("ClusterNotRead", "The Previews have not been read from the cluster yet; try again.")


def refuse_repository(claims: Claims, repository: str) -> None:
    """Raises Refusal (403) where the token is for other repositories."""
    if not claims.sees(repository):
        raise Refusal(403, "RepositoryForbidden", f"The token is not for {repository}.")
