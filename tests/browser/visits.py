"""A real Chromium, and visits that must leave no error, no script and no foreign request behind."""

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

FLAGS = [
    "--no-sandbox",  # tests run as root in containers
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
]
TIMEOUT = 20_000  # milliseconds; the machine runs other tests beside this one
DESKTOP = {"width": 1280, "height": 900}
OPEN = []
"""Visits that last: of a host that ends, they are over before it does."""


@dataclass
class Visit:
    """One page in a fresh browser profile, and everything that went wrong there."""

    page: "Page"
    address: str
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def open(self, query: str = "") -> "Page":
        self.page.goto(self.address + query)
        self.page.wait_for_selector("body[data-ready]")
        return self.page

    def leave(self) -> None:
        """Close the page, once: what it still loads is nobody's fault then."""
        if not self.page.is_closed():
            assert self.page.evaluate("window.PWNED") is None
            self.page.close()

    def watch(self) -> None:
        host = urlsplit(self.address).netloc
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)

        def asked(request):
            if not request.url.startswith(("data:", "blob:")) and (
                urlsplit(request.url).netloc != host
            ):
                self.foreign.append(request.url)

        self.page.on("request", asked)


@pytest.fixture(scope="session")
def chromium():
    """One browser for all tests of a process."""
    from playwright.sync_api import expect, sync_playwright  # most tests need none

    expect.set_options(timeout=TIMEOUT)
    with sync_playwright() as playwright:
        where = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=where, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """Open a page as a new visitor; what went wrong on it fails the test at its end."""
    visits, contexts = [], []

    def start(address, *, viewport=DESKTOP, dark=False, **more):
        scheme = "dark" if dark else "light"
        context = chromium.new_context(
            viewport=viewport, color_scheme=scheme, accept_downloads=True, **more
        )
        contexts.append(context)
        visits.append(Visit(context.new_page(), address))
        visits[-1].watch()
        OPEN.append(visits[-1])
        return visits[-1]

    yield start
    for visited in visits:
        visited.leave()
        OPEN.remove(visited)
    for context in contexts:
        context.close()
    errors = [error for visited in visits for error in visited.errors]
    foreign = [url for visited in visits for url in visited.foreign]
    assert not errors, errors
    assert not foreign, foreign
