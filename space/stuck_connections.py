"""Connections on which nothing moves are closed: half a request, or an answer that nobody reads.

uvicorn waits for the rest of a request for ever, and once a byte came on an idle connection, there
too. Here such a connection is closed after 20 to 40 seconds, however slowly bytes still trickle in.
What is being answered may take its time: a client that listens for events is not stuck.
"""

import asyncio
from typing import Any

import uvicorn

LOOK_SECONDS = 20.0


def close_stuck_connections(server: uvicorn.Server) -> None:
    """Look again and again, in the server's event loop, until that ends."""
    loop = server.servers[0].get_loop()
    loop.call_soon_threadsafe(_look, server, loop, {})


def _look(
    server: uvicorn.Server, loop: asyncio.AbstractEventLoop, before: dict[Any, object]
) -> None:
    """Close what stands as it stood before; look again later."""
    now: dict[Any, object] = {}
    for connection in list(server.server_state.connections):
        standing = _standing(connection)
        if standing is not None and before.get(connection) == standing:
            connection.transport.abort()
        else:
            now[connection] = standing
    loop.call_later(LOOK_SECONDS, _look, server, loop, now)


def _standing(connection: Any) -> object:
    """What there was last of a connection that waits for its client; None if the client waits."""
    request: Any = getattr(connection, "cycle", None)  # a websocket has none; each is refused
    unsent = connection.transport.get_write_buffer_size()
    whole = request is not None and not request.more_body
    if whole and not unsent and not request.response_complete:
        return None
    return request, unsent
