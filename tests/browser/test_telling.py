"""What the page says: that it never contradicts itself, and that its words are explained."""

import re

import pytest
from browser.indexes import release, write_index
from playwright.sync_api import expect

PHONE = {"width": 390, "height": 844}
GATE = {"max_value": 9000.0, "abs_max": 9000.0, "max_mlp_gate": 90000.0, "exceeds_float16": True}

OVERLAPS = """chart => [...chart.querySelectorAll(".limit text")]
  .map((each) => each.getBoundingClientRect())
  .filter((a, place, all) => all.slice(place + 1).some((b) =>
    a.left < b.right && b.left < a.right && a.top + 4 < b.bottom && b.top + 4 < a.bottom)).length"""


@pytest.fixture
def shown(visit, serve, tmp_path):
    """Visit an export of an index of a few rows, or of none."""
    running = []

    def start(rows, query="", **visiting):
        index = write_index(tmp_path / "index", rows, with_paper=False)
        running.append(serve("export", index))
        return visit(running[-1].__enter__(), **visiting).open(query)

    yield start
    for each in running:
        each.__exit__(None, None, None)


def test_a_gate_beyond_fp16_is_told_alike_in_table_dot_plot_and_findings(shown):
    page = shown([release(1), release(2), release(3, **GATE)])
    row = page.locator("#releases tbody tr").filter(has_text="model-00003")
    expect(row.locator(".level.beyond").first).to_be_attached()
    expect(page.locator("#dot-plot .standing.beyond")).to_have_count(1)
    expect(page.locator("#dot-plot")).to_contain_text("0 with M beyond")
    label = page.locator("#dot-plot svg[role=img]").get_attribute("aria-label")
    assert "0 have M beyond fp16. 1 of 3 releases exceed fp16's range" in label
    page.get_by_role("link", name="Findings").click()
    found = page.locator("#finding-fp16")
    expect(found).to_contain_text("1 of 3")
    expect(found.locator(".plot .standing.beyond")).to_have_count(1)


@pytest.mark.nightly
def test_the_words_in_the_dot_plot_are_whole_when_every_m_is_small(shown):
    page = shown([release(1), release(2)], viewport=PHONE)
    words = page.locator("#dot-plot text.beyond")
    expect(words).to_have_text("0 with M beyond")
    box, frame = words.bounding_box(), page.locator("#dot-plot").bounding_box()
    assert box["x"] + box["width"] <= frame["x"] + frame["width"]


@pytest.mark.nightly
def test_releases_that_the_dot_plot_leaves_aside_are_counted(shown):
    page = shown([release(1), release(2), release(3, trust="copied")])
    expect(page.locator("#age")).to_contain_text("3 releases")
    expect(page.locator("#dot-plot")).to_contain_text("left aside: 1 copied, partial or without M")


def with_m(number, peak):
    values = dict.fromkeys(("max_value", "abs_max", "max_hidden_state", "max_mlp_output"), peak)
    return release(number, **values, exceeds_float16=peak > 65504)


@pytest.mark.nightly
def test_more_releases_than_can_be_drawn_are_still_counted_by_the_dot_plot(shown):
    many = [with_m(number, 10.0 + number) for number in range(900)]
    page = shown([*many, with_m(900, 70_000.0), with_m(901, 3e5)], viewport=PHONE)
    plot = page.locator("#dot-plot")
    expect(plot).to_contain_text("M of 902 releases, a mark for every ")
    expect(plot).to_contain_text("900 below fp16's end")
    expect(plot).to_contain_text("2 with M beyond")
    expect(plot.locator(".standing.beyond")).to_have_count(2)
    share = int(plot.locator("text.label").text_content().split("every ")[1].split(",")[0])
    assert plot.locator(".standing.within").count() * share == pytest.approx(900, abs=share)
    box = plot.locator("svg").bounding_box()
    for mark in plot.locator(".standing.within").all()[:: 10 * share]:
        assert box["y"] < mark.bounding_box()["y"] < box["y"] + box["height"]


@pytest.mark.nightly
def test_a_name_in_the_dot_plot_leads_to_its_own_mark(shown):
    rows = [with_m(number, 8000.0) for number in range(9)]
    page = shown([with_m(20, 1.0), *rows, with_m(30, 30_000.0), with_m(40, 2e5)])
    plot = page.locator("#dot-plot")
    for name in ("model-00020", "model-00040"):
        text = plot.locator("text.name", has_text=name).bounding_box()
        mark = plot.locator(".standing", has_text=name).bounding_box()
        middle, top = mark["x"] + mark["width"] / 2, mark["y"]
        leads = [lead.bounding_box() for lead in plot.locator(".lead").all()]
        ends = [lead["y"] + lead["height"] for lead in leads if abs(lead["x"] - middle) < 1]
        assert text["x"] <= middle <= text["x"] + text["width"]
        assert [*ends, text["y"] + text["height"]][0] == pytest.approx(top, abs=8)


@pytest.mark.nightly
def test_the_verdict_is_in_view_where_the_table_is_wider_than_the_window(shown):
    long = {"family": "a-family-with-a-long-name", "carrier_role": "attention_output"}
    rows = [release(number, **long, size=27_000_000_000) for number in range(9)]
    page = shown(rows, viewport={"width": 1024, "height": 768})
    seen = page.locator(".scroll").bounding_box()
    for level in page.locator("#releases .c-exceeds_float16 .level").all():
        box = level.bounding_box()
        assert box["x"] + box["width"] <= seen["x"] + seen["width"]


@pytest.mark.nightly
def test_an_index_without_the_paper_opens_on_findings_that_say_something(shown):
    page = shown([release(1), release(2)], "?view=findings")
    expect(page.get_by_label("Measured releases")).to_be_checked()
    expect(page.locator("#finding-span .answer")).to_have_text("0.30")
    page.get_by_label("Everything").check()
    page.wait_for_function("document.body.dataset.ready === 'view=findings&scope=all'")
    page.get_by_label("Measured releases").check()
    page.wait_for_function("document.body.dataset.ready === 'view=findings'")


@pytest.mark.by_day("?view=findings")
@pytest.mark.parametrize("query", ["", "?view=findings"])
def test_an_empty_index_says_how_it_is_filled(shown, query):
    page = shown([], query)
    expect(page.locator("#content")).to_contain_text("This index holds no release yet.")
    expect(page.locator("#content")).to_contain_text("hubmaxact catalog build")
    expect(page.locator("#content button")).to_have_count(0)


def test_every_word_of_trust_and_precision_is_explained_without_a_pointer(shown):
    page = shown([release(1)], viewport=PHONE, has_touch=True)
    page.locator("[data-fold=words] > summary").tap()
    told = page.locator("dl.glossary dt").all_inner_texts()
    for word in ("current", "stale", "unverified", "MLP gate", "INT-8 SQNR"):
        assert word in told
    expect(page.locator("dl.glossary")).to_contain_text("higher is better")


@pytest.mark.nightly
def test_long_numbers_are_rounded_for_people_and_exact_in_their_title(shown):
    exact = 1234.5677490234375
    page = shown([release(1, abs_max=exact, max_value=exact)])
    expect(page.locator("td.c-abs_max .m")).to_have_text("1,235")
    expect(page.locator("td.c-abs_max .m")).to_have_attribute("title", str(exact))


@pytest.mark.nightly
def test_a_file_shows_who_it_says_it_is(shown):
    file = {"key": "file:moe.json", "name": "moe", "repo_id": None, "model_id": "org/claimed"}
    page = shown([release(1, **file)], "?pick=file%3Amoe.json")
    expect(page.locator("#releases tbody th")).to_contain_text("says it is org/claimed")
    expect(page.locator("#compare .verdicts")).to_contain_text("says it is org/claimed")
    expect(page.locator("a", has_text="org/claimed")).to_have_count(0)


@pytest.mark.nightly
def test_the_chosen_tensor_is_marked_in_forced_colours(shown):
    page = shown([release(1)], "?pick=org-1%2Fmodel-00001", forced_colors="active")
    outline = "e => getComputedStyle(e.nextElementSibling).outlineStyle"
    assert page.get_by_role("radio", name="hidden state").evaluate(outline) == "solid"
    assert page.get_by_role("radio", name="MLP output").evaluate(outline) == "none"


@pytest.mark.nightly
def test_a_file_of_the_view_has_one_name_on_both_hosts(visit, address):
    page = visit(address).open("?q=gemma")
    with page.expect_download() as waiting:
        page.locator('[data-download="view.csv"]').click()
    assert waiting.value.suggested_filename == "activation-maxima-view.csv"


@pytest.mark.nightly
def test_the_words_above_the_page_and_its_charts_have_room_at_any_width(shown):
    wide = {"max_hidden_state": 7e5, "max_mlp_output": 11.0, "max_embedding": 11.0}
    page = shown([release(1, **wide), release(2, **wide)], "?pick=org-1%2Fmodel-00001")
    chart = page.get_by_role("img", name="Largest |a| of each role")
    for width in (320, 360, 375, 768, 1024, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        expect(chart).to_have_attribute("width", re.compile(r"\d"))
        assert chart.locator(".limit text").count() == 3
        assert chart.evaluate(OVERLAPS) == 0, width
        last, room = page.locator("#theme").bounding_box(), 32 if width > 759 else 16
        assert last["x"] + last["width"] <= width - room, width
        places = {each.bounding_box()["y"] for each in page.locator(".facet").all()}
        assert len(places) == 1 or width < 1280, width
