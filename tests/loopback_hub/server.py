"""HTTP around the routes: one thread per connection, faults first, everything written down."""

import re
import socket
import struct
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

from loopback_hub import discussions, identity, listing, reading, writing
from loopback_hub.exchange import Request, Response, decoded, refuse
from loopback_hub.faults import Fault
from loopback_hub.refusal import Refusal

if TYPE_CHECKING:
    from loopback_hub.hub import LoopbackHub

# The CI provider's own route checks its own kind of token.
CI_IDENTITY = "/ci/identity"
REPO = r"/api/(?P<type>models|datasets|spaces)/(?P<repo>[^/]+/[^/]+)"
FILES = r"/(?:(?P<type>datasets|spaces)/)?(?P<repo>[^/]+/[^/]+?)"
REV = r"(?P<revision>[^/]+)"
NUM = r"(?P<num>\d+)"
ROUTES = [
    ("GET", CI_IDENTITY, identity.ci_identity),
    ("POST", r"/oauth/token", identity.exchange_token),
    ("GET", r"/api/whoami-v2", identity.whoami),
    ("GET", r"/api/agent-harnesses", identity.agent_harnesses),
    ("POST", r"/api/validate-yaml", writing.validate_yaml),
    ("POST", r"/api/repos/create", writing.create_repo),
    ("GET", r"/api/(?P<type>models|datasets|spaces)", listing.listing),
    ("GET", rf"{REPO}", reading.info),
    ("GET", rf"{REPO}/revision/{REV}", reading.info),
    ("GET", rf"{REPO}/tree/{REV}(?:/(?P<path>.*))?", reading.tree),
    ("POST", rf"{REPO}/paths-info/{REV}", reading.paths_info),
    ("GET", rf"{REPO}/refs", reading.refs),
    ("GET", rf"{REPO}/commits/{REV}", reading.commits),
    ("GET", rf"{REPO}/auth-check(?:/write)?", identity.auth_check),
    ("POST", rf"{REPO}/preupload/{REV}", writing.preupload),
    ("POST", rf"{REPO}/commit/{REV}", writing.commit),
    ("POST", rf"{REPO}/tag/{REV}", writing.create_tag),
    ("POST", rf"{REPO}/branch/{REV}", writing.create_branch),
    ("GET", rf"{REPO}/discussions", discussions.listing),
    ("POST", rf"{REPO}/discussions", discussions.create),
    ("GET", rf"{REPO}/discussions/{NUM}", discussions.details),
    ("POST", rf"{REPO}/discussions/{NUM}/comment", discussions.comment),
    ("POST", rf"{REPO}/discussions/{NUM}/status", discussions.status),
    ("POST", rf"{REPO}/discussions/{NUM}/merge", discussions.merge),
    ("GET", rf"{FILES}/resolve/{REV}/(?P<path>.+)", reading.resolve),
    ("POST", rf"{FILES}\.git/info/lfs/objects/batch", writing.lfs_batch),
    ("PUT", r"/lfs/(?P<oid>[0-9a-f]{64})", writing.lfs_upload),
]
COMPILED = [(method, re.compile(pattern), route) for method, pattern, route in ROUTES]
RATE_LIMIT = {
    "RateLimit": '"api";r=499;t=120',
    "RateLimit-Policy": '"fixed window";"api";q=500;w=300',
}


def respond(request: Request) -> Response:
    """Find the route and run it; a refusal is an answer too."""
    try:
        if request.path != CI_IDENTITY:
            authorization = request.headers.get("Authorization")
            request.token = request.hub.accounts.identify(authorization)
        return _route(request)
    except Refusal as refusal:
        return refuse(refusal)


def _route(request: Request) -> Response:
    method = "GET" if request.method == "HEAD" else request.method
    for wanted, pattern, route in COMPILED:
        if wanted == method and (match := pattern.fullmatch(request.path)):
            request.fields = decoded(match.groupdict())
            return request.elsewhere() or route(request)
    raise Refusal(404, None, f"No route for {method} {request.path}")


class Handler(BaseHTTPRequestHandler):
    """One connection; `hub` is set by the subclass that `handler_of` makes."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes; the second would wait 40 ms
    hub: "LoopbackHub"

    def log_message(self, *args):
        pass

    def handle(self):
        try:
            super().handle()
        except (ConnectionError, ValueError):  # the client left, or we cut the line ourselves
            self.close_connection = True

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        request = Request(self.hub, self.command, self.path, self.headers, body)
        fault = self.hub.faults.take(self.command, self.path)
        if fault and fault.before:
            fault.before()
        request.stale = bool(fault and fault.stale)
        response = respond(request) if fault is None or fault.runs_request else Response()
        self.hub.note(request, response)
        if fault:
            self.deliver(fault, response)
        else:
            self.send(response)

    do_GET = do_HEAD = do_POST = do_PUT = answer

    def deliver(self, fault: Fault, response: Response):
        if fault.delivery == "answer":
            self.send(_replaced(fault, response))
        elif fault.delivery == "garbage":
            self.send(Response(fault.body or b'{"success": tru'))
        elif fault.delivery == "truncate":
            half = len(response.body) // 2
            self.send(Response(response.body[:half], length=len(response.body)))
            self.close_connection = True
        elif fault.delivery == "hang":
            self.hub.stopping.wait(fault.seconds)
            self.close_connection = True
        else:
            self.reset()

    def send(self, response: Response):
        length = len(response.body) if response.length is None else response.length
        self.send_response(response.status)
        for name, value in {**RATE_LIMIT, **response.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def reset(self):
        """Cut the connection so that the client sees a reset and not an end."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
        self.close_connection = True


def handler_of(hub: "LoopbackHub") -> type[Handler]:
    return type("HubHandler", (Handler,), {"hub": hub})


def _replaced(fault: Fault, response: Response) -> Response:
    if fault.status is None:
        return Response(response.body, response.status, response.headers | fault.headers)
    body = b'{"error": "scripted"}' if fault.body is None else fault.body
    headers = {"Content-Type": "application/json", **fault.headers}
    return Response(body, fault.status, headers)
