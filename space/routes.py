"""The page's addresses: its own files, its data, its downloads. They read, and nothing else.

Answers carry a tag, so that what a browser has is not sent twice, and it always asks, so that a
page never mixes two indexes for long.
"""

from collections.abc import Awaitable, Callable
from functools import cache
from typing import get_args

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from live_index import Live
from responses import Answer, Answers
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
Make = Callable[[Answers, View], Answer]

DATA: dict[str, Make] = {
    "page": Answers.page,
    "releases": Answers.releases,
    "findings": lambda answers, _view: answers.findings,
}


def routes(live: Live) -> list[Route]:
    """Every address of the page."""
    return [
        *(Route(f"/{'' if name == HOME else name}", _asset(name)) for name in assets.names()),
        Route("/data/about.json", _about(live)),
        *(Route(f"/data/{name}.json", _from_index(live, make)) for name, make in DATA.items()),
        *_downloads(live),
    ]


def _downloads(live: Live) -> list[Route]:
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
    def answer() -> Answer:
        return Answer(assets.read(name), assets.media_type(name))

    async def respond(request: Request) -> Response:
        tag = answer().tag
        return _had(request, tag) or _send(request, answer(), tag)

    return respond


def _about(live: Live) -> Respond:
    async def respond(request: Request) -> Response:
        if (answers := live.answers) is None:
            return _nothing_yet(live)
        answer = answers.about(live.problem)  # a new problem makes a new tag
        return _had(request, answer.tag) or _send(request, answer, answer.tag)

    return respond


def _from_index(
    live: Live, make: Make, file: str | None = None, limiter: CapacityLimiter | None = None
) -> Respond:
    """Answer from the index alone, so that its tag tells whether the browser has the answer."""

    def made(answers: Answers, query: str) -> Answer:
        answer = make(answers, parse(query))
        _ = answer.packed  # packing takes time too, and belongs in this thread
        return answer

    async def respond(request: Request) -> Response:
        if (answers := live.answers) is None:
            return _nothing_yet(live)
        if had := _had(request, answers.tag):
            return had
        query = request.scope["query_string"].decode("latin-1")
        answer = await run_sync(made, answers, query, limiter=limiter)
        return _send(request, answer, answers.tag, file)

    return respond


def _file(what: What, kind: Kind) -> Make:
    return lambda answers, view: answers.file(what, kind, view)


def _send(request: Request, answer: Answer, tag: str, file: str | None = None) -> Response:
    headers = _caching(tag)
    if file:
        headers["Content-Disposition"] = f'attachment; filename="{file}"'
    if answer.packed and "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(answer.packed, headers=headers, media_type=answer.media_type)
    return Response(answer.content, headers=headers, media_type=answer.media_type)


def _nothing_yet(live: Live) -> Response:
    headers = {"Retry-After": str(AGAIN_SECONDS), "Cache-Control": "no-store"}
    return JSONResponse({"error": live.problem}, status_code=503, headers=headers)


def _caching(tag: str) -> dict[str, str]:
    return {"ETag": f'W/"{tag}"', "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}


def _had(request: Request, tag: str) -> Response | None:
    """Say so if the browser has this very answer."""
    given = request.headers.get("If-None-Match", "").split(",")
    if any(each.strip().removeprefix("W/").strip('"') == tag for each in given):
        return Response(status_code=304, headers=_caching(tag))
    return None
