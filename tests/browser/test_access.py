"""Whether everybody can use the page: axe on every view, in both themes and at two widths."""

from importlib.resources import files

import pytest
from browser.indexes import write_index
from playwright.sync_api import expect

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
VIEWS = {
    "releases": "",
    "comparison": "?pick=org-4%2Fmodel-00018&pick=org-5%2Fmodel-00019&pick=paper%3Agemma-3-27b-it",
    "eight": "?"
    + "&".join(f"pick=paper%3AQwen2.5-{n}" for n in ("1.5B", "7B", "32B", "7B-Instruct"))
    + "&"
    + "&".join(f"pick=org-{n}%2Fmodel-0000{n}" for n in range(4)),
    "findings": "?view=findings",
    "nothing": "?q=nothing-has-this-name",
}
WIDTHS = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="module")
def page_at(serve, index):
    with serve("export", index) as address:
        yield address


@pytest.mark.by_day("comparison-desktop-False", "findings-phone-True")
@pytest.mark.parametrize(
    ("width", "dark"),
    [
        ("desktop", False),
        ("phone", True),
        pytest.param("desktop", True, marks=pytest.mark.nightly),
        pytest.param("phone", False, marks=pytest.mark.nightly),
    ],
)
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing(visit, page_at, view, width, dark):
    page = visit(page_at, viewport=WIDTHS[width], dark=dark, bypass_csp=True).open(VIEWS[view])
    look(page, WIDTHS[width]["width"])


@pytest.mark.nightly
def test_axe_finds_nothing_in_an_empty_index(visit, serve, tmp_path):
    with serve("export", write_index(tmp_path / "index", [], with_paper=False)) as address:
        look(visit(address, bypass_csp=True).open(), 1280)


def look(page, width):
    """Open everything that is folded, and let axe look at the page."""
    for folded in page.locator("details:not([name])").all():
        folded.evaluate("element => { element.open = true; }")
    page.add_script_tag(content=AXE)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    assert [(f["id"], f["impact"], f["nodes"][0]["html"]) for f in found["violations"]] == []
    assert len(found["passes"]) > 10
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_theme_follows_the_system_until_it_is_chosen(visit, page_at):
    visited = visit(page_at, dark=True)
    page = visited.open()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="Switch to light colours").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")


@pytest.mark.nightly
def test_at_twice_the_zoom_nothing_runs_out_of_the_window(visit, page_at):
    page = visit(page_at, viewport={"width": 640, "height": 450}).open(VIEWS["comparison"])
    assert page.evaluate("document.documentElement.scrollWidth") <= 640
