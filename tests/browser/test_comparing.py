"""What a comparison must show of every release in it, and what of a page stays as it was."""

import pytest
from browser.indexes import release, write_index
from end_to_end_reports import end_to_end_report
from playwright.sync_api import expect
from pooled_reports import pooled_report, with_loss

from hubmaxact.catalog.extract import row_of

PAPERS = "&".join(
    f"pick=paper%3AQwen2.5-{size}B{tuned}"
    for size in ("1.5", "7", "32")
    for tuned in ("", "-Instruct")
)
TWO = "pick=org-4%2Fmodel-00018&pick=org-5%2Fmodel-00019"
PHONE = {"width": 390, "height": 844}
MARKERS = """chart => [...chart.querySelectorAll("path.marker")].map(marker => {
  const box = marker.getBoundingClientRect();
  return [box.x + box.width / 2, box.y + box.height / 2];
})"""


def apart(centres):
    """The least distance between two of some points."""
    return min(
        ((x - u) ** 2 + (y - v) ** 2) ** 0.5
        for place, (x, y) in enumerate(centres)
        for u, v in centres[:place]
    )


@pytest.mark.by_day("space-390")
@pytest.mark.parametrize("width", [390, 1280])
def test_no_release_hides_another_in_the_chart_by_role(visit, address, width):
    page = visit(address, viewport={"width": width, "height": 900}).open(f"?{PAPERS}")
    chart = page.get_by_role("img", name="Largest |a| of each role")
    expect(chart.locator("path.marker").first).to_be_visible()
    assert apart(chart.evaluate(MARKERS)) >= 9


@pytest.mark.nightly
def test_lines_that_lie_on_each_other_each_have_markers_of_their_own(visit, serve, tmp_path):
    rows = [release(n, hidden_state_by_layer=[8.0] * 30) for n in (4, 9, 14)]
    index = write_index(tmp_path / "index", rows, with_paper=False)
    picks = "&".join(f"pick={row['key'].replace('/', '%2F')}" for row in rows)
    with serve("export", index) as running:
        page = visit(running).open(f"?{picks}")
        chart = page.get_by_role("img", name="Largest |a| of each layer")
        expect(chart.locator("path.marker").first).to_be_visible()
        assert apart(chart.evaluate(MARKERS)) >= 9
        page.locator("button.key").nth(1).focus()
        expect(chart.locator("g.lined.dimmed")).to_have_count(2)
        assert chart.locator("g.lined").last.get_attribute("data-place") == "1"
        page.locator("#copy").focus()
        expect(chart.locator("g.lined.dimmed")).to_have_count(0)


@pytest.mark.nightly
def test_a_tap_on_a_chart_reads_its_values_and_they_stay(visit, address):
    page = visit(address, viewport=PHONE, has_touch=True).open(f"?{TWO}")
    chart = page.get_by_role("img", name="Largest |a| of each layer")
    expect(page.locator(".readout")).to_contain_text("Tap or point")
    chart.tap()
    expect(page.locator(".readout b")).to_contain_text("depth")
    expect(page.locator(".readout span")).to_have_count(2)


@pytest.mark.nightly
def test_an_opened_table_stays_open_when_the_page_changes(visit, address):
    page = visit(address).open(f"?{TWO}")
    for fold in ("layer-numbers", "fields"):
        page.locator(f"[data-fold={fold}] > summary").click()
    page.get_by_role("radio", name="MLP output").check()
    expect(page.locator("#compare")).to_contain_text("MLP output")
    page.wait_for_function("document.body.dataset.ready?.includes('role=mlp_output')")
    for fold in ("layer-numbers", "fields"):
        expect(page.locator(f"[data-fold={fold}]")).to_have_attribute("open", "")
    page.goto(f"{address}?view=findings")
    page.locator("[data-fold=finding-span] > summary").click()
    page.get_by_label("Everything in the index").check()
    page.wait_for_function("document.body.dataset.ready === 'view=findings&scope=all'")
    expect(page.locator("[data-fold=finding-span]")).to_have_attribute("open", "")


def test_a_link_to_a_comparison_opens_on_it(visit, address):
    page = visit(address).open(f"?{TWO}")
    page.wait_for_function(
        "() => { const { top } = document.getElementById('compare').getBoundingClientRect();"
        " return top >= 0 && top < innerHeight / 2; }"
    )
    visit(address).open().wait_for_function("scrollY === 0")


@pytest.mark.nightly
def test_the_stability_of_m_stands_in_two_numbers_with_two_names(visit, address):
    page = visit(address).open(f"?pick=paper%3AQwen3-30B-A3B&{TWO}")
    stability = page.locator("#stability")
    expect(stability).to_contain_text("no confidence interval")
    expect(stability).to_contain_text("1,392 · 1,480 · 1,368 · 1,392 · 1,512")
    first = stability.locator("tbody tr").first
    expect(first.locator("td").nth(2)).to_have_text("10.1 %")
    expect(first.locator("td").nth(3)).to_have_text("4.42 %")
    expect(stability).to_contain_text("No subsets: org-4/model-00018, org-5/model-00019")


@pytest.mark.nightly
def test_how_sure_m_is_stands_there_where_a_report_tells(visit, serve, tmp_path):
    rows = [
        release(1, abs_max_of_half=2.0, abs_max_after_first_token=1.5),
        release(2, abs_max_of_half=3.9, inferred_low=4.0, inferred_high=5.5),
        release(3),
    ]
    picked = "&".join(f"pick={row['key'].replace('/', '%2F')}" for row in rows)
    with serve("export", write_index(tmp_path / "index", rows, with_paper=False)) as running:
        page = visit(running).open(f"?{picked}")
        table = page.get_by_role("table", name="How sure M is")
        expect(table.locator("tbody tr")).to_have_count(2)
        said = table.locator("tbody td").all_inner_texts()
        assert said == ["2.002", "2", "1.5", "not inferred", "4.008", "3.9", "unknown", "4 to 5.5"]


@pytest.mark.nightly
def test_the_int8_table_shows_the_hidden_states_and_says_what_is_better(visit, serve, tmp_path):
    known = {"int8_max_abs_lowest_db": 11.04, "int8_max_abs_median_db": 30.0}
    row = release(1, **known, int8_max_abs_highest_db=41.0, int8_max_abs_final_norm_db=22.0)
    with serve("export", write_index(tmp_path / "index", [row], with_paper=False)) as running:
        page = visit(running, viewport=PHONE).open("?pick=org-1%2Fmodel-00001")
        expect(page.locator("#compare")).to_contain_text("SQNR, higher is better")
        cells = dict(
            zip(
                page.locator("#int8 tbody th[scope=row]").all_inner_texts(),
                page.locator("#int8 tbody td").all_inner_texts(),
                strict=True,
            )
        )
        assert cells["SQNR of the hidden states, lowest (dB)"] == "11.0"
        assert cells["SQNR of the hidden states, median (dB)"] == "30.0"
        assert cells["SQNR of the hidden states, highest (dB)"] == "41.0"
        assert cells["SQNR at the final norm (dB)"] == "22.0"


ERRORS = {"linear_int8_token_db": 31.1, "linear_nvfp4_db": 20.8, "kv_fp8_unscaled_db": 29.4}
CERTAINTY = {
    "subsets": [
        {"size": 9, "values": [7.0], "range_over_mean": 0.0, "coefficient_of_variation": 0.0}
    ],
    "abs_max_of_half": 9000.0,
}
GAP = """section => {
  const [first, second] = [...section.querySelectorAll(".scroll")].map(each => each.getBoundingClientRect());
  return second.top - first.bottom;
}"""  # noqa: E501 one statement


def test_the_cards_verdicts_stand_side_by_side(visit, serve, tmp_path):
    words = {"fit_fp8": "small error", "fit_4bit": "large loss", "fit_kv_fp8": "small error"}
    rows = [release(4, **words), release(9, **dict.fromkeys(words, "not measured")), release(14)]
    index = write_index(tmp_path / "index", rows, with_paper=False)
    picks = "&".join(f"pick={row['key'].replace('/', '%2F')}" for row in rows)
    with serve("export", index) as running:
        page = visit(running, viewport=PHONE).open(f"?{picks}")
        fp8, four_bit, cache = "FP8 weights and activations", "4-bit", "FP8 KV cache"
        assert page.locator(".verdicts .fit").all_inner_texts() == [
            f"small error: {fp8}, {cache}\nlarge loss: {four_bit}",
            f"not measured: {fp8}, {four_bit}, {cache}",
        ]


@pytest.mark.nightly
def test_errors_of_deployed_formats_stand_side_by_side(visit, serve, tmp_path):
    rows = [release(4, **ERRORS, **CERTAINTY), release(9), release(14, linear_nvfp4_db=12.5)]
    index = write_index(tmp_path / "index", rows, with_paper=False)
    picks = "&".join(f"pick={row['key'].replace('/', '%2F')}" for row in rows)
    with serve("export", index) as running:
        page = visit(running, viewport=PHONE).open(f"?{picks}")
        errors = page.locator("#errors")
        expect(errors.locator("path.marker").first).to_be_visible()
        expect(errors.locator("svg[role=img] path.marker")).to_have_count(4)
        expect(errors).to_contain_text("Not measured: org-2/model-00009.")
        errors.locator("summary").click()
        told = errors.get_by_role("row", name="NVFP4").get_by_role("cell").all_text_contents()
        assert told == ["20.8", "unknown", "12.5"]
        assert page.locator("#stability").evaluate(GAP) >= 20
        page.goto(f"{running}?pick={rows[1]['key'].replace('/', '%2F')}")
        expect(page.locator("#stability")).to_be_visible()
        expect(page.locator("#errors")).to_have_count(0)


RUN = ("linear_inputs", "int8/per_token/dynamic", (0.012, 0.006, 0.019))


def reported():
    """Rows of real shapes: two releases with losses, and one of an older report."""
    reports = (with_loss(pooled_report(), RUN), end_to_end_report())
    rows = [row_of(report, b"", key=f"r{n}", name=f"r{n}") for n, report in enumerate(reports)]
    return [*rows, release(9)]


@pytest.mark.parametrize("width", [390, 1280, 1760])
def test_losses_worst_inputs_and_scaling_of_reports_are_told(visit, serve, tmp_path, width):
    rows = reported()
    picks = "&".join(f"pick={row['key'].replace('/', '%2F')}" for row in rows)
    index = write_index(tmp_path / "index", rows, with_paper=False)
    with serve("export", index) as running:
        page = visit(running, viewport={"width": width, "height": 900}).open(f"?{picks}")
        losses = page.locator("#losses")
        expect(losses).to_contain_text("Not measured: org-2/model-00009.")
        way = losses.get_by_role("row", name="linear inputs: INT8, a scale for each token").first
        assert way.get_by_role("cell").all_text_contents() == [
            "+0.012 (+0.006 to +0.019)",
            "+0.0156 (+0.00562 to +0.0234)",
            "not measured",
        ]
        losses.locator("summary").click()
        tables = losses.get_by_role("table")
        expect(tables).to_have_count(3)
        for number in range(3):
            expect(tables.nth(number).locator("thead th")).to_have_count(4)
        expect(tables.nth(2)).to_contain_text("91 %")
        errors = page.locator("#errors")
        errors.locator("summary").click()
        mxfp4 = errors.get_by_role("row", name="MXFP4").get_by_role("cell")
        expect(mxfp4.first).to_have_text("16.5lowest 14.7: model.layers.17.self_attn.q_proj")
        expect(mxfp4.last).to_have_text("unknown")
        scaling = page.locator(".verdicts .scaling")
        expect(scaling.first).to_have_text(
            "fp16: Scale the residual stream by 2^-1, or keep it wider; that leaves 1 other tensor"
            " beyond."
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_table_is_ordered_and_filtered_by_the_worst_loss(visit, serve, tmp_path):
    index = write_index(tmp_path / "index", reported(), with_paper=False)
    wide = {"width": 1760, "height": 900}
    with serve("export", index) as running:
        page = visit(running, viewport=wide).open("?sort=-loss_worst_change")
        cells = page.locator("td.c-loss_worst_change")
        expect(cells).to_have_text(["+0.25", "+0.012", "unknown"])
        table = page.locator("#releases").locator("..")
        assert table.evaluate("each => each.scrollWidth <= each.clientWidth")
        page.locator("[data-facet=loss] summary").click()
        page.get_by_role("checkbox", name="small loss").click()
        expect(cells).to_have_text(["+0.012"])
