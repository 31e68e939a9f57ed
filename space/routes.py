"""The page's addresses: its own files, its data, its downloads. They read, and nothing else.

Responses carry a tag, so that what a browser has is not sent twice, and it always asks, so that a
page never mixes two indexes for long.
"""

from collections.abc import Awaitable, Callable
from functools import cache
from typing import get_args

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from live_index import LiveIndex
from responses import Body, Responses
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hubmaxact.page import assets
from hubmaxact.page.page_data import Kind, What
from hubmaxact.page.url_state import View, parse

HOME = "index.html"
AGAIN_SECONDS = 10
FILES_AT_ONCE = 2
"""A large table takes a second to write; the pages need the rest of the machine."""

Respond = Callable[[Request], Awaitable[Response]]
Make = Callable[[Responses, View], Body]

DATA: dict[str, Make] = {
    "page": Responses.page,
    "releases": Responses.releases,
    "findings": lambda responses, _view: responses.findings,
}


def routes(live: LiveIndex) -> list[Route]:
    """Every address of the page."""
    return [
        *(Route(f"/{'' if name == HOME else name}", _asset(name)) for name in assets.names()),
        Route("/data/about.json", _about(live)),
        *(Route(f"/data/{name}.json", _from_index(live, make)) for name, make in DATA.items()),
        *_downloads(live),
    ]


def _downloads(live: LiveIndex) -> list[Route]:
    limiter = CapacityLimiter(FILES_AT_ONCE)
    return [
        Route(
            f"/download/{what}.{kind}",
            _from_index(live, _file(what, kind), f"activation-maxima-{what}.{kind}", limiter),
        )
        for what in get_args(What)
        for kind in get_args(Kind)
    ]


def _asset(name: str) -> Respond:
    @cache
    def body() -> Body:
        return Body(assets.read(name), assets.media_type(name))

    async def respond(request: Request) -> Response:
        tag = body().tag
        return _had(request, tag) or _send(request, body(), tag)

    return respond


def _about(live: LiveIndex) -> Respond:
    async def respond(request: Request) -> Response:
        if (responses := live.responses) is None:
            return _nothing_yet(live)
        body = responses.about(live.problem)  # a new problem makes a new tag
        return _had(request, body.tag) or _send(request, body, body.tag)

    return respond


def _from_index(
    live: LiveIndex, make: Make, file: str | None = None, limiter: CapacityLimiter | None = None
) -> Respond:
    """Respond from the index alone, so that its tag tells whether the browser has the response."""

    def made(responses: Responses, query: str) -> Body:
        body = make(responses, parse(query))
        _ = body.packed  # packing takes time too, and belongs in this thread
        return body

    async def respond(request: Request) -> Response:
        if (responses := live.responses) is None:
            return _nothing_yet(live)
        if had := _had(request, responses.tag):
            return had
        query = request.scope["query_string"].decode("latin-1")
        body = await run_sync(made, responses, query, limiter=limiter)
        return _send(request, body, responses.tag, file)

    return respond


def _file(what: What, kind: Kind) -> Make:
    return lambda responses, view: responses.file(what, kind, view)


def _send(request: Request, body: Body, tag: str, file: str | None = None) -> Response:
    headers = _caching(tag)
    if file:
        headers["Content-Disposition"] = f'attachment; filename="{file}"'
    if body.packed and "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(body.packed, headers=headers, media_type=body.media_type)
    return Response(body.content, headers=headers, media_type=body.media_type)


def _nothing_yet(live: LiveIndex) -> Response:
    headers = {"Retry-After": str(AGAIN_SECONDS), "Cache-Control": "no-store"}
    return JSONResponse({"error": live.problem}, status_code=503, headers=headers)


def _caching(tag: str) -> dict[str, str]:
    return {"ETag": f'W/"{tag}"', "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}


def _had(request: Request, tag: str) -> Response | None:
    """Say so if the browser has this very response."""
    given = request.headers.get("If-None-Match", "").split(",")
    if any(each.strip().removeprefix("W/").strip('"') == tag for each in given):
        return Response(status_code=304, headers=_caching(tag))
    return None
