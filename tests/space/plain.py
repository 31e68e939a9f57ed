"""Serves the Space's own addresses without Gradio, for tests of where an index comes from.

The same settings, sources, refreshing and routes as `space/app.py`; a start takes a fraction.
"""

import os
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "space"))

import app


def main():
    os.environ.update(app.QUIET)
    for name in app.NOT_NEEDED:
        os.environ.pop(name, None)
    import uvicorn  # as in the app, after the environment is what libraries shall find
    from live_index import LiveIndex
    from routes import routes
    from settings import read_settings
    from starlette.applications import Starlette

    settings = read_settings(os.environ)
    live = LiveIndex(app._source(settings), refresh_seconds=settings.refresh_seconds)
    live.start()
    live.wait(app.FIRST_TRY_SECONDS)
    with socket.create_server((settings.host, 0)) as server:
        print(f"Serving at http://{settings.host}:{server.getsockname()[1]}/", flush=True)
        config = uvicorn.Config(Starlette(routes=routes(live)), log_level="warning")
        uvicorn.Server(config).run(sockets=[server])


main()
