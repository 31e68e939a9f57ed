"""The picture is one self-contained file that tells the truth in both colour schemes."""

import math
import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import deployed_reports
import example_reports
import pooled_reports
import pytest

from hubmaxact.rendering.picture import colours, elements, errors, saturation
from hubmaxact.rendering.picture.layers import description, layers_svg
from hubmaxact.rendering.picture.pictures import pictures
from hubmaxact.rendering.picture.scales import MOST_DECADES, LayerScale, log_scale, spread
from hubmaxact.report.summaries import per_layer

SVG = "{http://www.w3.org/2000/svg}"


def layers(num_layers, peak=22144.0):
    sites = [
        example_reports.site(
            "hidden_state", layer, peak / (layer + 1), width=64, place=(0, 0, 0, 0)
        )
        for layer in range(num_layers)
    ]
    for site in sites:
        site["top"] = site["top"][:1]
    return example_reports.assemble(sites, num_layers=num_layers, hidden_size=64)


REPORTS = {
    "dense": example_reports.dense_report(),
    "huge": example_reports.huge_report(),
    "moe": example_reports.moe_report(),
    "partial": example_reports.partial_report(),
    "non_finite": example_reports.non_finite_report(),
    "one_layer": layers(1),
    "two_hundred_layers": layers(200),
    "tiny": layers(3, 0.1),
    "zero": layers(2, 0.0),
    "enormous": layers(4, 3.0e38),
}


def hostile(report):
    report["model"]["id"] = '"><script>alert(1)</script>'


def nothing_finite(report):
    del report["quantization"]["pooled"]
    for row in report["kv"]:
        row["key"]["abs_max"] = row["value"]["abs_max"] = None
    for block in ("all_tokens", "after_first_token"):
        report["stability"]["by_text"][block] |= {"saturation": [], "tail": None}


def extreme(report):
    for row in report["quantization"]["pooled"]:
        row["sqnr_db"] = -300.0 if row["kind"] == "key" else 300.0
        row["worst"] = []
    for block in ("all_tokens", "after_first_token"):
        curve = [{"num_texts": 1, "expected": 1e-30}, {"num_texts": 2, "expected": 3e38}]
        report["stability"]["by_text"][block] |= {"num_texts": 2, "saturation": curve, "tail": None}


def alone(report):
    for block in ("all_tokens", "after_first_token"):
        curve = [{"num_texts": 1, "expected": 5.0}]
        report["stability"]["by_text"][block] |= {"num_texts": 1, "saturation": curve, "tail": None}


MORE = {
    "pooled": pooled_reports.pooled_report(),
    **{
        each.__name__: pooled_reports.pooled_report(each)
        for each in (hostile, nothing_finite, extreme, alone)
    },
}


@pytest.mark.parametrize("name", ["dense", "huge", "partial"])
def test_the_picture_is_what_it_was(name, golden):
    golden(f"layers_{name}.svg", layers_svg(REPORTS[name]))


@pytest.mark.parametrize("name", REPORTS)
def test_the_picture_is_well_formed_and_self_contained(name):
    text = layers_svg(REPORTS[name])
    root = ET.fromstring(text)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "desc", "style", "rect", "text", "tspan", "path", "circle",
    }  # fmt: skip
    names = {attribute for element in root.iter() for attribute in element.attrib}
    assert not [name for name in names if name.startswith("on") or "href" in name]
    assert text.replace('xmlns="http://www.w3.org/2000/svg"', "").count("http") == 0
    assert "url(" not in text
    assert "@import" not in text
    assert root.find(f"{SVG}title").text.startswith("Activation maxima of ")
    assert root.find(f"{SVG}desc").text == description(REPORTS[name])
    assert "nan" not in re.sub(r"<(style|title|desc)[^>]*>.*?</\1>", "", text)


@pytest.mark.parametrize("name", REPORTS)
def test_everything_is_drawn_inside(name):
    root = ET.fromstring(layers_svg(REPORTS[name]))
    for circle in root.iter(f"{SVG}circle"):
        assert elements.LEFT <= float(circle.get("cx")) <= elements.RIGHT
        assert elements.TOP <= float(circle.get("cy")) <= elements.BOTTOM
    for path in root.iter(f"{SVG}path"):
        numbers = [float(n) for n in re.findall(r"[\d.]+", path.get("d"))]
        assert max(numbers) <= 960
    for text in root.iter(f"{SVG}text"):
        assert 0 < float(text.get("x")) < 960
        assert 20 < float(text.get("y")) < 440


def test_the_peak_is_where_and_what_it_is():
    report = REPORTS["dense"]
    root = ET.fromstring(layers_svg(report))
    ring = next(c for c in root.iter(f"{SVG}circle") if c.get("class") == "ring")
    dots = [c for c in root.iter(f"{SVG}circle") if c.get("class") == "dot hidden_state"]
    assert len(dots) == 36
    assert (ring.get("cx"), ring.get("cy")) == (dots[6].get("cx"), dots[6].get("cy"))
    label = next(t for t in root.iter(f"{SVG}text") if t.get("class") == "peak")
    assert "".join(label.itertext()) == "M = 7,968hidden state, layer 6"


def test_a_missing_layer_is_a_gap_and_not_a_zero():
    report = REPORTS["partial"]
    assert per_layer(report, "attention_output")[2] is None
    root = ET.fromstring(layers_svg(report))
    path = next(p for p in root.iter(f"{SVG}path") if p.get("class") == "line attention_output")
    assert path.get("d").count("M") == 2
    assert path.get("d").count("L") == 1


def test_parts_of_one_layer_share_a_point():
    report = layers(2)
    twin = example_reports.site(
        "hidden_state", 1, 30_000, width=64, part="mamba", place=(0, 0, 0, 0)
    )
    report["sites"].append(twin)
    assert per_layer(report, "hidden_state") == [22144.0, 29952.0]


def test_limits_are_shown_where_they_are_near():
    def shown(name):
        return re.findall(r">([^<]+ max [\d,]+)<", layers_svg(REPORTS[name]))

    assert shown("dense") == ["fp16 max 65,504", "E5M2 max 57,344", "E4M3 max 448"]
    assert shown("moe") == ["fp16 max 65,504", "E4M3 max 448"]
    assert shown("tiny") == ["fp16 max 65,504"]


def test_names_at_the_edge_do_not_touch():
    for report in REPORTS.values():
        root = ET.fromstring(layers_svg(report))
        heights = sorted(
            float(t.get("y")) for t in root.iter(f"{SVG}text") if t.get("x") == str(elements.NAME_X)
        )
        gaps = [below - above for above, below in pairwise(heights)]
        assert all(gap >= elements.NAME_GAP - 0.2 for gap in gaps)


def test_the_same_report_gives_the_same_bytes():
    assert layers_svg(example_reports.dense_report()) == layers_svg(REPORTS["dense"])


def test_names_from_a_report_are_escaped():
    report = example_reports.dense_report(model={"id": '"><script>alert(1)</script>&\u202e'})
    text = layers_svg(report)
    assert "<script" not in text
    assert "\u202e" not in text
    ET.fromstring(text)


@pytest.mark.parametrize(
    ("letter", "most"), [("a", 90), ("A", 66), ("W", 52), ("\N{CJK RADICAL REPEAT}", 52)]
)
def test_a_long_name_is_cut_before_it_leaves_the_picture(letter, most):
    text = layers_svg(example_reports.dense_report(model={"id": letter * 190}))
    title = next(t for t in ET.fromstring(text).iter(f"{SVG}text") if t.get("class") == "title")
    assert most - 4 <= len(title.text) <= most
    assert title.text.endswith("...")


def test_a_long_corpus_is_cut_before_it_leaves_the_picture():
    report = example_reports.dense_report()
    report["protocol"]["corpus"]["name"] = "hf://datasets/" + "a" * 180
    text = layers_svg(report)
    assert max(len(t.text or "") for t in ET.fromstring(text).iter(f"{SVG}text")) < 135


def drawings(name):
    """Every picture of a report with all there is to draw."""
    return {each.file: each.svg(MORE[name]) for each in pictures(MORE[name])}


@pytest.mark.parametrize("file", ["errors.svg", "cache.svg", "saturation.svg"])
def test_the_other_pictures_are_what_they_were(file, golden):
    golden(file, drawings("pooled")[file])


@pytest.mark.parametrize("name", MORE)
def test_pictures_are_well_formed_and_hold_everything_they_draw(name):
    for file, drawn in drawings(name).items():
        root = ET.fromstring(drawn)
        assert drawn.replace('xmlns="http://www.w3.org/2000/svg"', "").count("http") == 0
        assert "nan" not in re.sub(r"<(style|title|desc)[^>]*>.*?</\1>", "", drawn)
        *_, width, height = map(float, root.get("viewBox").split())
        for element in root.iter():
            place = [float(element.get(key, 1)) for key in ("x", "cx", "y", "cy")]
            assert max(place[:2]) <= width, (file, ET.tostring(element))
            assert max(place[2:]) <= height, (file, ET.tostring(element))
            assert min(place) >= 0
            if element.tag == f"{SVG}rect":
                assert float(element.get("width")) >= 0


def test_a_report_has_the_pictures_that_it_can_fill():
    assert [each.file for each in pictures(REPORTS["dense"])] == ["layers.svg"]
    plain = deployed_reports.deployment_report()
    assert [each.file for each in pictures(plain)] == ["layers.svg", "cache.svg", "saturation.svg"]
    assert list(drawings("pooled")) == ["layers.svg", "errors.svg", "cache.svg", "saturation.svg"]
    assert list(drawings("nothing_finite")) == ["layers.svg"]


def test_bars_end_where_their_errors_are_and_dots_where_the_worst_is():
    root = ET.fromstring(drawings("pooled")["errors.svg"])
    row = pooled_reports.find(MORE["pooled"], "int8/per_tensor/max_abs")
    bar = next(each for each in root.iter(f"{SVG}rect") if each.get("class") == "bar integer")
    dot = next(each for each in root.iter(f"{SVG}circle") if each.get("class") == "worst")
    unit = (errors.RIGHT - errors.LEFT) / errors.MOST_DB
    assert float(bar.get("width")) == pytest.approx(row["sqnr_db"] * unit, abs=0.1)
    worst = row["worst"][0]["sqnr_db"]
    assert float(dot.get("cx")) == pytest.approx(errors.LEFT + worst * unit, abs=0.1)


def test_the_curve_rises_to_all_texts_and_what_is_inferred_is_dashed():
    root = ET.fromstring(drawings("pooled")["saturation.svg"])
    dots = [each for each in root.iter(f"{SVG}circle") if each.get("class") == "dot all_tokens"]
    places = [(float(dot.get("cx")), -float(dot.get("cy"))) for dot in dots]
    assert len(places) == 13
    assert places == sorted(places)
    inferred = [each for each in root.iter(f"{SVG}path") if "inferred" in each.get("class")]
    assert [each.get("class") for each in inferred] == ["inferred after_first_token"]
    assert inferred[0].get("stroke-dasharray")


@pytest.mark.parametrize("largest", [1.0, 3.5, 4.9, 5.0, 62000.0, 104448.0, 1e23, 3.0e38])
def test_the_axis_of_the_saturation_curve_ends_above_the_curve(largest):
    def only(report):
        for block in ("all_tokens", "after_first_token"):
            curve = [
                {"num_texts": 1, "expected": largest / 3},
                {"num_texts": 2, "expected": largest},
            ]
            found = {"num_texts": 2, "saturation": curve, "tail": None}
            report["stability"]["by_text"][block] |= found

    report = pooled_reports.pooled_report(only)
    root = ET.fromstring(saturation.svg(report))
    lines = [float(each.get("d").split()[1].partition("H")[0]) for each in root.iter(f"{SVG}path")
             if each.get("class") == "grid"]  # fmt: skip
    dots = [float(each.get("cy")) for each in root.iter(f"{SVG}circle")]
    assert saturation.TOP <= min(lines) <= min(dots)
    assert max(lines) > min(lines)


def test_the_residual_stream_within_layers_is_drawn_where_it_was_measured():
    report = deployed_reports.deployment_report(5)
    root = ET.fromstring(layers_svg(report))
    dots = [each for each in root.iter(f"{SVG}circle") if each.get("class") == "dot mid_residual"]
    assert len(dots) == 5
    line = next(e for e in root.iter(f"{SVG}path") if e.get("class") == "line between mid_residual")
    assert line.get("stroke-dasharray")
    assert "mid-layer residual" in [each.text for each in root.iter(f"{SVG}text")]
    assert ".line.mid_residual{stroke:" in layers_svg(report)
    assert "mid_residual" not in layers_svg(REPORTS["dense"])


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("palette", [colours.LIGHT, colours.DARK], ids=["light", "dark"])
def test_text_and_lines_reach_their_contrast(palette):
    for name in ("ink", "soft", *colours.SERIES):
        for ground in ("ground", "beyond"):
            assert contrast(palette[name], palette[ground]) >= 4.5, (name, ground)


def test_both_palettes_name_the_same_colours():
    assert list(colours.LIGHT) == list(colours.DARK)
    used = {value for look in colours.LOOKS.values() for value in look.values()}
    assert set(colours.LIGHT) - set(colours.SERIES) == used & set(colours.LIGHT)


DRAWN = {
    **{name: layers_svg(REPORTS[name]) for name in ("dense", "huge", "partial")},
    **drawings("pooled"),
}


@pytest.mark.parametrize("name", DRAWN)
def test_no_renderer_need_know_a_style_sheet(name):
    """What is painted says with what, as attributes; and the dark scheme paints the same again."""
    text = DRAWN[name]
    root = ET.fromstring(text)
    (style,) = root.iter(f"{SVG}style")
    dark = re.fullmatch(r"@media\(prefers-color-scheme:dark\)\{(.*)\}", style.text)[1]
    rules = dict(re.findall(r"([^{}]+)\{([^{}]*)\}", dark))
    for element in root.iter():
        paints = {key: element.get(key) for key in ("fill", "stroke") if element.get(key)}
        assert set(paints.values()) <= {"none", *colours.LIGHT.values()}
        if element.tag.removeprefix(SVG) in {"rect", "circle", "path", "text"}:
            assert paints, ET.tostring(element)
        wanted = {key for key, paint in paints.items() if paint != "none"}
        assert painted_by(rules, element) == wanted
    assert "var(" not in text


def painted_by(rules, element):
    """What the rules paint of an element, by its first class and, for a role, its last."""
    first, *_, last = (element.get("class", "").split() or [""]) * 2
    bodies = [rules.get(f".{first}"), rules.get(f".{first}.{last}")]
    return {part.partition(":")[0] for body in bodies if body for part in body.split(";")}


def test_the_log_scale_keeps_order_and_floor():
    y = log_scale([0.0, 0.1, 7e5], reach=65504, top=0, bottom=100)
    heights = [y.at(v) for v in (0.0, 1e-30, 0.1, 1, 448, 65504, 7e5)]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] == heights[1] == 100
    assert y.at(7e5) > 0
    wide = log_scale([1e-30, 1e30], reach=65504, top=0, bottom=100)
    assert math.ceil(math.log10(1e30)) - wide.low == MOST_DECADES


@pytest.mark.parametrize("num_layers", [1, 2, 13, 36, 61, 200, 4096])
def test_layers_stand_in_order_with_embedding_and_norm_apart(num_layers):
    x = LayerScale(num_layers=num_layers, left=0, right=1000)
    places = [x.at(-math.inf), *(x.at(n) for n in range(num_layers)), x.at(math.inf)]
    assert places == sorted(places)
    assert places[0] == 0
    assert places[-1] == 1000
    assert places[1] - places[0] >= 10
    assert 1 <= len(x.ticks()) <= 12


def test_labels_are_spread_in_order():
    assert spread([10, 10, 12], gap=5, top=0, bottom=100) == [10, 15, 20]
    assert spread([99, 100, 98], gap=5, top=0, bottom=100) == [95, 100, 90]
