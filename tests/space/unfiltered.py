"""Serves the Space's server without its filter, so that Gradio's own settings show what they do.

Prints the address, then what can only be seen from inside, as JSON.
"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "space"))

import bounded_queue
import gradio
import stuck_connections
from server import ReadingServer

bounded_queue.LONGEST_WAIT = 1.0
bounded_queue.LOOK_SECONDS = 0.1
stuck_connections.LOOK_SECONDS = 0.5


class Unfiltered(ReadingServer):
    async def __call__(self, scope, receive, send):
        await gradio.Server.__call__(self, scope, receive, send)


def wait(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def fail(text: str) -> str:
    raise ValueError(f"a secret in a bug: {text}")


def kept() -> list[int]:
    """What the queue holds: sessions by each of its books, this call among them."""
    queue = blocks._queue
    books = (queue.pending_messages_per_session, queue.pending_event_ids_session, queue._asked)
    return [len(book) for book in books]


blocks = Unfiltered([], [wait, fail, kept]).open("127.0.0.1")
inside = {
    "capacity": blocks.server_app.state_holder.capacity,
    "delete_cache": blocks.delete_cache,
    "analytics": blocks.analytics_enabled,
    "allowed_paths": blocks.allowed_paths,
    "ssr": blocks.ssr_mode,
    "share": blocks.share,
}
print(blocks.local_url, json.dumps(inside), flush=True)
time.sleep(600)
