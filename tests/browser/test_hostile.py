"""An index that somebody hostile wrote: shown in full, and nothing in it ever runs."""

from urllib.parse import urlsplit

import pytest
from browser.hosts import HOSTS
from browser.indexes import hostile_rows, write_index
from playwright.sync_api import expect

HUB = ("https:", "huggingface.co")


@pytest.fixture(scope="module", params=sorted(HOSTS))
def hostile(request, serve, tmp_path_factory):
    index = write_index(tmp_path_factory.mktemp("hostile"), hostile_rows(), with_paper=False)
    with serve(request.param, index) as address:
        yield address


@pytest.mark.by_day("export")
def test_every_view_of_a_hostile_index_is_only_text(visit, hostile):
    page = visit(hostile).open()
    rows = page.locator("#releases tbody tr")
    expect(rows).to_have_count(14)
    expect(page.locator("#content img, #content iframe, #content script")).to_have_count(0)
    expect(page.locator("#releases")).to_contain_text("<img src=x onerror=")
    for box in page.locator("td.pick input").all()[:8]:
        page.locator(f"[data-key={_quoted(box.get_attribute('data-key'))}]").check()
    expect(page.locator("#compare h2")).to_have_text("8 releases compared")
    expect(page.locator("#content img, #content iframe, #content script")).to_have_count(0)
    links = page.locator("a").evaluate_all("all => all.map(a => [a.protocol, a.host])")
    assert set(map(tuple, links)) <= {("http:", urlsplit(hostile).netloc), HUB}
    page.goto(f"{hostile}?view=findings&scope=measured")
    expect(page.locator("article.finding").first).to_be_visible()
    assert "\u202e" not in page.content()


@pytest.mark.by_day("export")
def test_direction_and_control_characters_are_shown_as_code_points(visit, hostile):
    page = visit(hostile).open("?q=right")
    text = page.locator("#releases").inner_text()
    assert "202E" in text.upper()
    assert "\u202e" not in text
    assert "\x1b" not in page.content()


@pytest.mark.by_day("export")
def test_a_long_name_never_widens_a_phone(visit, hostile):
    page = visit(hostile, viewport={"width": 390, "height": 844}).open()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.by_day("export-?q=%3Cimg*", "export-?sort=__proto__*")
@pytest.mark.parametrize(
    "query",
    [
        "?q=%3Cimg%20src%3Dx%20onerror%3DPWNED%3D1%3E",
        "?pick=%3Cscript%3EPWNED%3D1%3C%2Fscript%3E&pick=__proto__&pick=constructor",
        "?sort=__proto__&page=-1&role=%3Cb%3E&scope=toString&view=javascript:1",
        "?family=__proto__&architecture=constructor&size=%00&page=999999",
        "?q=" + "%F0%9F%92%A9" * 500 + "&pick=" + "x" * 5000,
    ],
)
def test_a_hostile_address_shows_a_page_and_runs_nothing(visit, hostile, query):
    page = visit(hostile).open(query)
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator("#content img, #content iframe, #content script")).to_have_count(0)


def _quoted(text):
    """As a CSS string."""
    escaped = "".join(c if c.isalnum() else f"\\{ord(c):x} " for c in text)
    return f'"{escaped}"'
