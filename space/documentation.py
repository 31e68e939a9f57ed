"""How programs call the endpoints: /gradio_api/info, which clients read and people copy from.

Gradio's own answer shows everybody the host that the first caller named, gives "..." for each
argument, and its curl line loses the event's name in bash. Here each caller's host is in his own
answer, and every line runs as it stands.
"""

import json
import shlex
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from gradio.route_utils import get_root_url
from gradio.routes import App, ORJSONResponse
from gradio_client.snippet import generate_code_snippets  # type: ignore[import-untyped]
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

INFO = "/gradio_api/info"
Examples = Callable[[], Mapping[str, Mapping[str, object]]]
"""Arguments to show, by the names of the endpoint and of the argument."""


def documentation(app: App, examples: Examples) -> list[Route]:
    """Return the addresses of the documentation of what `app` offers."""

    async def respond(request: Request) -> Response:
        info: dict[str, Any] = {**deepcopy(app.get_blocks().get_api_info())}
        root = get_root_url(request, INFO, app.root_path)
        for name, endpoint in info["named_endpoints"].items():
            _explain(endpoint, name, examples().get(name.strip("/"), {}), root)
        return ORJSONResponse(info)

    return [Route(INFO, respond), Route(f"{INFO}/", respond)]


def _explain(
    endpoint: dict[str, Any], name: str, arguments: Mapping[str, object], root: str
) -> None:
    for parameter in endpoint["parameters"]:
        parameter["example_input"] = arguments.get(parameter["parameter_name"])
    snippets = generate_code_snippets(name, endpoint, root)
    endpoint["code_snippets"] = {**snippets, "bash": _curl(name, arguments, root)}


def _curl(name: str, arguments: Mapping[str, object], root: str) -> str:
    """Ask, and fetch the answer; the braces keep the event's name where it is used."""
    ask, fetch = (shlex.quote(f"{root}/gradio_api/call{way}{name}") for way in ("/v2", ""))
    return (
        f'curl -s -X POST {ask} -H "Content-Type: application/json" \\\n'
        f"  -d {shlex.quote(json.dumps(arguments))} \\\n"
        "  | awk -F'\"' '{ print $4 }' \\\n"
        f"  | {{ read EVENT_ID; curl -s -N {fetch}/$EVENT_ID; }}"
    )
