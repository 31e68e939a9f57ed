"""Makes the pictures of the comparison page that the README shows: `make pictures`.

Serves a static export of build/catalog on loopback and photographs it with a real browser.
"""

import functools
import http.server
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures" / "space"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WIDTHS: dict[str, ViewportSize] = {
    "desktop": {"width": 1280, "height": 900},
    "phone": {"width": 390, "height": 844},
}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PICKS = ("paper:gemma-3-27b-it", "paper:Qwen3.5-27B", "file:dense.json", "file:moe.json")
VIEWS = {
    "releases": ("", "body"),
    "compare": ("?" + "&".join(f"pick={key}" for key in PICKS), "#compare"),
    "findings": ("?view=findings", "#findings"),
}
"""Name of a picture to the page's query string and what stands at the picture's top."""

SETTLED = 300  # milliseconds: the charts are drawn once their width is known


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_: object) -> None:
        """Leave the terminal alone."""


def photograph(browser: Browser, address: str) -> None:
    """Write one picture for each view, width and theme."""
    for width, viewport in WIDTHS.items():
        for theme in THEMES:
            page = browser.new_page(
                viewport=viewport,
                color_scheme=theme,
                # Without it, the page would still be scrolling when it is photographed.
                reduced_motion="reduce",
            )
            for view, (query, place) in VIEWS.items():
                show(page, address + query, place)
                page.screenshot(path=PICTURES / f"{view}-{width}-{theme}.png")
            page.close()


def show(page: Page, address: str, place: str) -> None:
    """Open an address and scroll to a place on the page, drawn to the end."""
    page.goto(address)
    page.wait_for_selector("body[data-ready]")
    page.wait_for_selector("#dot-plot svg")
    page.wait_for_timeout(SETTLED)
    page.locator(place).evaluate("element => element.scrollIntoView()")
    page.wait_for_timeout(SETTLED)


def main() -> None:
    """Export, serve, photograph."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        command = ["catalog", "export", folder, "--index", str(ROOT / "build" / "catalog")]
        subprocess.run([sys.executable, "-m", "hubmaxact", *command], check=True)  # noqa: S603 ours
        handler = functools.partial(Quiet, directory=folder)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            with sync_playwright() as playwright:
                chromium = shutil.which("chromium") or shutil.which("google-chrome")
                browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
                photograph(browser, f"http://127.0.0.1:{server.server_port}/")
                browser.close()
            server.shutdown()


if __name__ == "__main__":
    main()
