"""Gradio's server with every setting chosen for a page that only reads and that anybody can reach.

Knows nothing of what it serves.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import gradio
from bounded_queue import BoundedQueue, ReadingBlocks
from documentation import INFO, Examples, documentation
from fastapi.exceptions import RequestValidationError
from request_filter import RequestFilter
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from stuck_connections import close_stuck_connections

SETTINGS: dict[str, Any] = {
    "allowed_paths": [],
    "enable_monitoring": False,
    "footer_links": [],
    "max_file_size": "1kb",  # no endpoint takes files, and the filter lets none in
    "mcp_server": False,
    "pwa": False,
    "run_history": False,
    "share": False,
    "show_error": False,
    "ssr_mode": False,
    "state_session_capacity": 200,
    "strict_cors": True,
}
QUEUE: dict[str, Any] = {"api_open": False, "default_concurrency_limit": 4, "max_size": 64}
NAMED_CALL = "/gradio_api/call/v2/"
CALL_ANSWER = re.compile(r"/gradio_api/call/(?:v2/)?\w+/(\w+)")
SESSION_ANSWERS = "/gradio_api/queue/data"
NO_SUCH_CALL = JSONResponse(
    {"detail": "There is no such call, or nobody asked for its answer for a while."},
    status_code=404,
)
BLOCKS: dict[str, Any] = {"analytics_enabled": False, "delete_cache": (3600, 3600)}


class ReadingServer(gradio.Server):
    """A `gradio.Server` with a filter before it, and an end to what it waits for and keeps."""

    answers: BoundedQueue

    def __init__(
        self,
        routes: Sequence[Route],
        endpoints: Iterable[Callable[..., Any]],
        examples: Examples = dict,
    ) -> None:
        super().__init__(docs_url=None, redoc_url=None, openapi_url=None)
        self.router.routes.extend([*routes, *documentation(self, examples)])
        self.add_exception_handler(TypeError, _wrong_arguments)
        self.add_exception_handler(RequestValidationError, _misshapen)
        self._endpoints = tuple(endpoints)
        self._filter = RequestFilter(
            self._collect_or_call,
            own=[route.path for route in routes],
            endpoints=[endpoint.__name__ for endpoint in self._endpoints],
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request, if the filter lets it in."""
        await self._filter(scope, receive, send)

    async def _collect_or_call(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse to wait for an answer that never comes; Gradio would break off and log a bug."""
        name = _collected(scope)
        known = name is None or self.answers.knows(name)
        app = super().__call__ if known else NO_SUCH_CALL
        await app(scope, receive, send)

    def open(self, host: str, port: int | None = None) -> gradio.Blocks:
        """Serve in the background until the returned blocks are closed; port None finds one.

        `launch` would make its own blocks, whose queue has no end and whose settings cannot be
        reached.
        """
        blocks = ReadingBlocks(mode="server", **BLOCKS)
        with blocks:
            for endpoint in self._endpoints:
                gradio.api(endpoint, api_name=endpoint.__name__)
        blocks.queue(**QUEUE)
        self.answers = blocks.answers
        blocks.launch(
            _app=self,
            server_name=host,
            server_port=port,
            prevent_thread_lock=True,
            quiet=True,
            **SETTINGS,
        )
        close_stuck_connections(blocks.server)
        return blocks


def _collected(scope: Scope) -> str | None:
    """The call or the session whose answers a request asks for; None if it asks for none."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    if scope["path"] == SESSION_ANSWERS:
        return QueryParams(scope["query_string"]).get("session_hash")
    found = CALL_ANSWER.fullmatch(scope["path"])
    return found and found[1]


async def _wrong_arguments(request: Request, error: Exception) -> Response:
    """Say so where Gradio only raises an error: a call by names that the endpoint does not take."""
    if request.url.path.startswith(NAMED_CALL):
        sentence = f"{request.url.path} takes the arguments that {INFO} names."
        return JSONResponse({"detail": sentence}, status_code=422)
    raise error


async def _misshapen(_: Request, error: Exception) -> Response:
    """Say what is wrong without what was sent, which no JSON may be able to hold."""
    assert isinstance(error, RequestValidationError)
    told = [{key: each[key] for key in ("type", "loc", "msg")} for each in error.errors()]
    return JSONResponse({"detail": told}, status_code=422)
