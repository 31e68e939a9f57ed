"""What may be asked of the server at all, and the headers that every response carries.

Gradio brings many addresses that this page does not need: uploads, files, a proxy, a monitor, its
own pages. A closed list is let through; the rest is refused before Gradio sees it. Another site may
read what is public, and never with a visitor's cookies.
"""

import re
from collections.abc import Iterable

import httpx
from gradio.route_utils import get_root_url
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

READ = ("GET", "HEAD")
READ_ENDPOINT = ("GET", "OPTIONS")
CALL_ENDPOINT = ("POST", "OPTIONS")

# What Gradio's clients ask for; {name} stands for the name of any endpoint.
ENDPOINTS = (
    (READ_ENDPOINT, r"/config/?"),
    (READ_ENDPOINT, r"/gradio_api/(info/?|startup-events|queue/data|heartbeat/[\w-]{1,64})"),
    (READ_ENDPOINT, r"/gradio_api/call/(v2/)?{name}/\w{1,64}"),
    (CALL_ENDPOINT, r"/gradio_api/(queue/join|reset/?|call/(v2/)?{name}/?)"),
)

OF_GRADIO = re.compile(r"/(gradio_api|monitoring|file|proxy|upload|queue|api|run|login)(\W|$)")
LARGEST_CALL = 64 * 1024  # bytes; the arguments are a query string or a few keys

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self' https://huggingface.co https://*.hf.space",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class RequestFilter:
    """Stands before a server: lets the closed list through, and adds the headers."""

    def __init__(self, inner: ASGIApp, *, own: Iterable[str], endpoints: Iterable[str]) -> None:
        self._inner = inner
        self._own = frozenset(own)
        name = f"({'|'.join(map(re.escape, endpoints))})"
        self._endpoints = [
            (methods, re.compile(pattern.replace("{name}", name))) for methods, pattern in ENDPOINTS
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request."""
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            app = _misuse(scope) or self._refusal(scope) or self._inner
            await app(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> Response | None:
        path, method = scope["path"], scope["method"]
        if path in self._own:
            return None if method in READ else _not_allowed(READ)
        for methods, pattern in self._endpoints:
            if pattern.fullmatch(path):
                return None if method in methods else _not_allowed(methods)
        if OF_GRADIO.match(path):
            return _refuse(403, "This server offers no such thing.")
        return _refuse(404, "There is nothing here.")


def _misuse(scope: Scope) -> Response | None:
    """Refuse a body too large or of a length not told, and headers that Gradio would fail on."""
    headers = Headers(scope=scope)
    length = headers.get("Content-Length", "" if scope["method"] == "POST" else "0")
    if "Transfer-Encoding" in headers or not length.isdecimal():
        return _refuse(411, "Say how long the request is, by Content-Length alone.")
    if int(length) > LARGEST_CALL:
        return _refuse(413, f"A call has at most {LARGEST_CALL:,} bytes.")
    if "Origin" in headers and "Host" not in headers:  # which Gradio compares
        return _refuse(400, "Say which host is asked (Host).")
    try:
        get_root_url(Request({**scope, "path": "/"}), "/", None)  # an odd path is no host's fault
    except httpx.InvalidURL:
        return _refuse(400, "Forwarded headers must name a host (X-Forwarded-Host).")
    return None


def _not_allowed(methods: tuple[str, ...]) -> Response:
    refused = _refuse(405, f"Only {', '.join(methods)} is answered here.")
    refused.headers["Allow"] = ", ".join(methods)
    return refused


def _refuse(status: int, sentence: str) -> Response:
    return PlainTextResponse(sentence + "\n", status_code=status)


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            _without_credentials(headers)
        await send(message)

    return send_with_headers


def _without_credentials(headers: MutableHeaders) -> None:
    """Say "anybody" where Gradio repeats the origin that asked, and let nobody send cookies."""
    del headers["Access-Control-Allow-Credentials"]
    if "Access-Control-Allow-Origin" in headers:
        headers["Access-Control-Allow-Origin"] = "*"
