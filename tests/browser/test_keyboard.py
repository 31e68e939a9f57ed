"""The keyboard alone: where it is after every change, and that nothing covers the place."""

import pytest
from playwright.sync_api import expect

PICKS = "pick=org-4%2Fmodel-00018&pick=org-5%2Fmodel-00019&pick=paper%3Agemma-3-27b-it"
COVERED = """() => {
  const { left, top, width, height } = document.activeElement.getBoundingClientRect();
  const found = document.elementFromPoint(left + width / 2, top + height / 2);
  return !!found?.closest(".selection");
}"""


def ready(page, query):
    page.wait_for_function("wanted => document.body.dataset.ready === wanted", arg=query)


@pytest.mark.nightly
def test_paging_by_keyboard_goes_on_from_the_button(visit, address):
    page = visit(address).open()
    page.locator("#next").focus()
    for number in (2, 3):
        page.keyboard.press("Enter")
        ready(page, f"page={number}")
        expect(page.locator("#next")).to_be_focused()
        expect(page.locator("#next")).to_be_in_viewport()
    page.keyboard.press("Enter")
    ready(page, "page=4")
    expect(page.locator("#previous")).to_be_focused()


@pytest.mark.nightly
def test_paging_by_pointer_shows_the_new_page_from_its_top(visit, address):
    page = visit(address).open()
    page.locator("#next").click()
    ready(page, "page=2")
    expect(page.locator("#releases thead")).to_be_in_viewport()


@pytest.mark.by_day("space-?q=gemma*")
@pytest.mark.parametrize(
    ("query", "button", "place"),
    [
        ("?q=gemma&architecture=dense", "#clear", "#q"),
        (f"?pick=nobody&{PICKS}", "#leave-out", "#compare-title"),
    ],
)
def test_a_button_that_is_gone_leaves_the_keyboard_near_it(visit, address, query, button, place):
    page = visit(address).open(query)
    page.locator(button).focus()
    page.keyboard.press("Enter")
    expect(page.locator(button)).to_have_count(0)
    expect(page.locator(place)).to_be_focused()


@pytest.mark.nightly
def test_an_opened_menu_keeps_the_keyboard(visit, address):
    page = visit(address).open()
    menu = page.locator("[data-facet=stage] > summary")
    menu.focus()
    page.evaluate("document.querySelector('[data-sort=name]').click()")
    ready(page, "sort=name")
    expect(menu).to_be_focused()


@pytest.mark.by_day("space-Tab-phone")
@pytest.mark.parametrize("size", [(390, 844), (1280, 900)], ids=["phone", "desktop"])
@pytest.mark.parametrize("step", ["Tab", "Shift+Tab"])
def test_the_picked_releases_never_cover_what_has_the_keyboard(visit, address, size, step):
    viewport = dict(zip(("width", "height"), size, strict=True))
    page = visit(address, viewport=viewport, reduced_motion="reduce").open(f"?{PICKS}")
    page.locator("td.pick input").nth(0 if step == "Tab" else -1).focus()
    for _ in range(24):
        page.keyboard.press(step)
        inside = page.evaluate("!!document.activeElement.closest('#releases')")
        assert not inside or not page.evaluate(COVERED)
