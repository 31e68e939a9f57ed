"""What a visitor does, on both hosts: search, filter, sort, page, pick, share, download."""

import csv
import io
import json
import re

import pyarrow.parquet as pq
import pytest
from playwright.sync_api import expect

from hubmaxact.catalog.row import HINTS

PICKS = "pick=org-4%2Fmodel-00018&pick=org-5%2Fmodel-00019&pick=paper%3Agemma-3-27b-it"


def names(page):
    rows = page.locator("#releases tbody th")
    return rows.evaluate_all("cells => cells.map(cell => cell.querySelector('bdi').innerText)")


def settled(page, pattern):
    """Wait for the page that the address stands for."""
    page.wait_for_function(
        "p => new RegExp(p).test(document.body.dataset.ready ?? 'not yet')", arg=pattern
    )


def test_the_first_look_shows_the_largest_first_and_how_old_the_data_is(visit, address):
    page = visit(address).open()
    expect(page.locator("h1")).to_have_count(1)
    expect(page.locator("#age")).to_contain_text("87 releases: 60 measured, 27 reported by the")
    expect(page.locator("#age")).to_contain_text("data less than an hour old")
    assert names(page)[0] == "gemma-3-27b-it"
    assert len(names(page)) == 25
    expect(page.locator("#releases tbody tr").first).to_contain_text("696,320")
    expect(page.locator("#releases tbody tr").first).to_contain_text("beyond fp16")


@pytest.mark.nightly
def test_searching_filters_as_one_types_and_stays_in_the_address(visit, address):
    page = visit(address).open()
    page.get_by_label("Search").press_sequentially("gemma-3", delay=20)
    settled(page, "^q=gemma-3$")
    assert names(page) == ["gemma-3-27b-it", "gemma-3-4b-it"]
    expect(page.locator("#q")).to_be_focused()
    assert page.url.endswith("?q=gemma-3")


def test_facets_narrow_and_chips_widen_again(visit, address):
    page = visit(address).open()
    page.locator("[data-facet=architecture] summary").click()
    page.get_by_role("checkbox", name="moe").check()
    settled(page, "^architecture=moe$")
    expect(page.locator("[data-facet=architecture]")).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(page.locator("[data-facet=architecture]")).not_to_have_attribute("open", "")
    page.locator("[data-facet=format] summary").click()
    page.get_by_role("checkbox", name="fp16: exceeded").check()
    settled(page, "^architecture=moe&format=beyond-float16$")
    assert all("moe" in row for row in page.locator("#releases tbody tr").all_inner_texts())
    page.get_by_role("button", name="Remove filter Type: moe").click()
    settled(page, "^format=beyond-float16$")
    page.get_by_role("button", name="Clear all").click()
    settled(page, "^$")


@pytest.mark.nightly
def test_a_ranking_of_one_protocol_is_had_by_a_press_and_by_its_link(visit, address):
    page = visit(address).open("?source=measured")
    expect(page.locator(".mixed")).to_contain_text("2 protocols")
    page.locator(".mixed").get_by_role("button", name="probe-5k (p1)").click()
    settled(page, "^source=measured&protocol=p1$")
    expect(page.locator(".mixed")).to_have_count(0)
    ranked = names(page)
    assert len(ranked) == 6
    other = visit(address).open(page.url.removeprefix(address))
    assert names(other) == ranked
    expect(
        other.get_by_role("button", name="Remove filter Protocol: probe-5k (p1)")
    ).to_be_visible()
    other.locator("[data-facet=protocol] summary").click()
    other.get_by_role("checkbox", name="probe-5k (p0)").check()
    settled(other, "^source=measured&protocol=p1&protocol=p0$")
    expect(other.locator(".mixed")).to_contain_text("2 protocols")


def test_sorting_by_a_column_puts_the_unknown_last_both_ways(visit, address):
    page = visit(address).open()
    page.locator("[data-sort=size]").click()
    settled(page, "^sort=-size$")
    expect(page.locator("th.c-size")).to_have_attribute("aria-sort", "descending")
    assert page.locator("td.c-size").first.inner_text() == "35B"
    page.locator("[data-sort=size]").click()
    settled(page, "^sort=size$")
    expect(page.locator("th.c-size")).to_have_attribute("aria-sort", "ascending")
    page.goto(f"{address}?sort=size&page=99")
    settled(page, "^sort=size&page=4$")
    assert set(page.locator("td.c-size").all_inner_texts()) == {"unknown"}


def test_pages_follow_each_other_without_gap_or_repeat(visit, address):
    page = visit(address).open("?sort=name")
    seen = names(page)
    for number in (2, 3, 4):
        page.get_by_role("button", name="Next").click()
        settled(page, f"page={number}$")
        seen += names(page)
    assert len(seen) == len(set(seen)) == 87
    assert seen == sorted(seen, key=str.lower)
    assert page.get_by_role("button", name="Next").is_disabled()
    page.go_back()
    settled(page, "page=3$")


@pytest.mark.nightly
def test_picked_releases_come_back_from_the_link_in_another_browser(visit, address):
    page = visit(address).open("?q=model-0001")
    for key in ("org-4/model-00018", "org-5/model-00019"):
        page.locator(f'[data-key="{key}"]').check()
    expect(page.locator("#compare h2")).to_have_text("2 releases compared")
    page.get_by_role("radio", name="MLP output").check()
    settled(page, "role=mlp_output")
    shown = page.locator("#compare").inner_text()
    assert "Hard in fp16" in shown

    other = visit(address).open(page.url.removeprefix(address))
    assert other.locator("#compare").inner_text() == shown
    expect(other.locator("#q")).to_have_value("model-0001")
    expect(other.locator("#compare path.line").nth(1)).to_be_attached()


@pytest.mark.nightly
def test_the_link_can_be_copied(visit, address):
    visited = visit(address, permissions=["clipboard-read", "clipboard-write"])
    page = visited.open(f"?{PICKS}")
    page.locator("#copy").click()
    expect(page.locator("#copy")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.url


def test_a_comparison_shows_layers_roles_int8_and_what_differs(visit, address):
    page = visit(address).open(f"?{PICKS}")
    compare = page.locator("#compare")
    expect(compare).to_contain_text("Measured differently.")
    expect(compare).to_contain_text("corpus digest")
    expect(compare).to_contain_text("No values by layer: gemma-3-27b-it")
    chart = compare.get_by_role("img", name="Largest |a| of each layer")
    expect(chart).to_contain_text("fp16")
    assert chart.locator("path.line").count() == 2
    expect(compare.get_by_role("img", name="Largest |a| of each role")).to_be_visible()
    expect(compare.locator("#int8")).to_contain_text("SQNR at M (dB)")
    assert compare.locator("#protocol tr.differs").count() > 3
    numbers = compare.locator("[aria-label^='Largest |a| of each layer'] tbody tr")
    assert numbers.count() == max(4 + 18 % 5, 4 + 19 % 5)


@pytest.mark.nightly
def test_releases_of_one_protocol_bring_no_warning(visit, address):
    page = visit(address).open("?pick=org-4%2Fmodel-00018&pick=org-5%2Fmodel-00019")
    assert "Measured differently" not in page.locator("#compare").inner_text()


@pytest.mark.nightly
def test_a_key_that_the_index_lacks_is_told(visit, address):
    page = visit(address).open("?pick=nobody%2Fhere&pick=org-5%2Fmodel-00019")
    expect(page.locator("#compare")).to_contain_text("Not in this index: nobody/here")
    expect(page.locator("#compare h2")).to_have_text("One release")


@pytest.mark.nightly
def test_two_quick_clicks_are_two_picks(visit, address):
    page = visit(address).open("?q=model-0001")
    page.evaluate(
        "() => { for (const box of [...document.querySelectorAll('td.pick input')].slice(0, 3))"
        " box.click(); }"
    )
    expect(page.locator("#compare h2")).to_have_text("3 releases compared")
    assert page.url.count("pick=") == 3


@pytest.mark.nightly
def test_no_more_than_eight_can_be_picked(visit, address):
    picks = "&".join(f"pick=org-{n % 7}%2Fmodel-{n:05}" for n in range(9))
    page = visit(address).open(f"?q=model&{picks}")
    expect(page.locator("#compare h2")).to_have_text("8 releases compared")
    page.goto(f"{address}?q=gemma-3-27b&{picks}")
    expect(page.locator('[data-key="paper:gemma-3-27b-it"]')).to_be_disabled()


@pytest.mark.nightly
def test_the_view_downloads_as_csv_and_reads_back_equal(visit, address, index):
    page = visit(address).open("?q=model&architecture=moe")
    with page.expect_download() as waiting:
        page.locator('[data-download="view.csv"]').click()
    text = waiting.value.path().read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    wanted = {
        row["key"]: row
        for row in pq.read_table(index / "index.parquet").to_pylist()
        if row["architecture"] == "moe" and row["source"] == "measured"
    }
    assert list(rows[0]) == list(HINTS)
    assert len(rows) == len(wanted) == 30
    for row in rows:
        same = wanted[row["key"]]
        assert float(row["abs_max"]) == same["abs_max"]
        assert json.loads(row["hidden_state_by_layer"]) == same["hidden_state_by_layer"]
    peaks = [float(row["abs_max"]) for row in rows]
    assert peaks == sorted(peaks, reverse=True)


def test_everything_downloads_as_csv_and_parquet(visit, address, index):
    page = visit(address).open()
    for kind in ("csv", "parquet"):
        with page.expect_download() as waiting:
            page.locator(f'[data-download="all.{kind}"]').click()
        content = waiting.value.path().read_bytes()
        if kind == "parquet":
            assert content == (index / "index.parquet").read_bytes()
        else:
            assert len(list(csv.DictReader(io.StringIO(content.decode())))) == 87


@pytest.mark.nightly
def test_findings_over_the_papers_checkpoints_are_the_papers(visit, address):
    page = visit(address).open("?view=findings")
    answers = {
        article.get_attribute("id"): article.inner_text()
        for article in page.locator("article.finding").all()
    }
    assert "3.76" in answers["finding-span"]
    assert "22 of 24" in answers["finding-carriers"]
    assert "23 of 24" in answers["finding-carriers"]
    assert "14.0 to 23.4" in answers["finding-moe"]
    assert "+0.12" in answers["finding-int8"]
    assert all(re.search(r"This rests on .*report", text) for text in answers.values())
    page.get_by_label("Measured releases").check()
    settled(page, "^view=findings&scope=measured$")
    expect(page.locator("#finding-span")).to_contain_text("rests on 60 reports of 2 protocols")


def test_the_keyboard_alone_reaches_a_comparison(visit, address):
    page = visit(address).open("?q=model-00019")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    for _ in range(60):
        if page.evaluate("document.activeElement.dataset.key") == "org-5/model-00019":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.locator("#compare h2")).to_have_text("One release")
    expect(page.locator('[data-key="org-5/model-00019"]')).to_be_focused()
