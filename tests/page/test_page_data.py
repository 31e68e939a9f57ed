"""What a page is told of an index, and that strangers' text in it does no harm."""

import json
import math
import re
import unicodedata

import pytest
from end_to_end_reports import end_to_end_report
from page.rows import HOSTILE, PAPER, hostile_rows, index_of, many, page_data_of, row
from pooled_reports import pooled_report

from hubmaxact.catalog.extract import row_of
from hubmaxact.catalog.parquet import DamagedTableError
from hubmaxact.catalog.row import DESCRIPTIONS, HINTS
from hubmaxact.page import assets
from hubmaxact.page.json_bytes import encoded
from hubmaxact.page.page_data import PageData
from hubmaxact.page.url_state import View, parse, query_string
from hubmaxact.rendering import end_to_end_words
from hubmaxact.rendering.fit.advice import advice
from hubmaxact.report.comparability import FIELDS


def texts(document, path=()):
    """Every text with its path."""
    if isinstance(document, str):
        yield path, document
    for name, value in (
        document.items()
        if isinstance(document, dict)
        else enumerate(document)
        if isinstance(document, list)
        else ()
    ):
        yield from texts(value, (*path, name))


def test_a_page_is_told_what_it_shows():
    page_data = page_data_of([*PAPER, row("a"), row("b", trust="stale")])
    about = page_data.about("server")
    index = about["index"]
    assert (index["rows"], index["measured"], index["paper"]) == (29, 2, 27)
    assert index["trust"] == {"current": 1, "stale": 1}
    assert (index["quarantined"], index["newer"], index["problem"]) == (1, 0, None)
    assert (index["built"], index["origin"]) == ("2026-11-24T01:02:03Z", "folder")
    assert len(index["sha256"]) == 64
    assert page_data.about("server", "it rains")["index"]["problem"] == "it rains"
    assert about["page_size"] == 25
    assert about["formats"][0] == {"name": "float16", "label": "fp16", "largest": 65504.0}
    assert 8 <= len(about["columns"]) <= 14


def test_each_host_offers_the_downloads_that_it_has():
    page_data = page_data_of([row("a")])
    said = {
        host: [f"{d['what']}.{d['kind']}" for d in page_data.about(host)["downloads"]]
        for host in ("server", "static")
    }
    assert said["static"] == ["all.csv", "all.parquet"]
    assert set(said["server"]) == {f"{w}.{k}" for w in ("view", "all", "picked")
                                   for k in ("csv", "parquet")}  # fmt: skip
    hrefs = [each["href"] for each in page_data.about("server")["downloads"]]
    assert not any(href.startswith("/") or ":" in href for href in hrefs)


def test_columns_of_the_catalog_that_the_page_names_exist():
    about = page_data_of([]).about("static")
    names = [field["name"] for field in about["protocol_fields"]]
    names += [metric["name"] for policy in about["int8"] for metric in policy["metrics"]]
    names += [each["name"] for each in (*about["errors"], *about["fit"])]
    names += [each[which] for each in about["errors"] for which in ("lowest", "module")]
    assert set(names) <= set(DESCRIPTIONS)
    decisive = {field["name"] for field in about["protocol_fields"] if field["decisive"]}
    assert "corpus_digest" in decisive
    without = next(f for f in about["protocol_fields"] if f["name"] == "protocol_key")["why"]
    told = {field["label"] for field in about["protocol_fields"]}
    for field in FIELDS:
        spoken = field.name.replace(".", " ").replace("_", " ")
        assert spoken in told or not field.decisive or field.name in without


def test_picked_releases_come_in_the_order_picked_and_strangers_to_the_index_are_told():
    page_data = page_data_of([*PAPER, row("a")])
    said = page_data.releases(["a", "gone", "paper:gemma-2-9b", "a"])
    assert [each["key"] for each in said["releases"]] == ["a", "paper:gemma-2-9b"]
    assert said["unknown"] == ["gone"]
    assert list(said["releases"][0]["row"]) == list(HINTS)
    assert said["releases"][1]["notes"][0].startswith("Reported by arXiv:2605.15572")
    assert len(page_data.releases([f"{n}" for n in range(20)])["unknown"]) == 8


def test_the_static_shards_hold_what_the_server_answers():
    page_data = page_data_of(many(120))
    shards = dict(page_data.shards())
    assert list(shards) == ["0000", "0001", "0002"]
    for shown in page_data.table()["rows"]:
        (answer,) = page_data.releases([shown["key"]])["releases"]
        assert answer in shards[shown["shard"]]["releases"]


def test_the_static_rows_are_the_servers():
    page_data = page_data_of(many(60))
    static = {shown["key"]: shown for shown in page_data.table()["rows"]}
    for number in (1, 2, 3):
        for shown in page_data.page(View(page=number))["rows"]:
            assert shown.items() <= static[shown["key"]].items()


@pytest.mark.parametrize(
    ("repo_id", "href"),
    [
        ("org/name", "https://huggingface.co/org/name"),
        ("gpt2", "https://huggingface.co/gpt2"),
        (None, None),
        ("../evil", None),
        ("org/name\n", None),
        ("org/name?x", None),
        ("a/b/c", None),
        ("javascript:alert(1)", None),
        ("//evil.example", None),
        ("\u043erg/name", None),
    ],
)
def test_only_a_repository_of_the_hub_is_linked(repo_id, href):
    page_data = page_data_of([row("k", repo_id=repo_id, model_id="org/claimed")])
    assert page_data.page(View())["rows"][0]["href"] == href
    assert page_data.releases(["k"])["releases"][0]["href"] == href


def test_trust_is_told_in_words():
    page_data = page_data_of(
        [row("a", trust="copied", copied_from="org/x"), row("b", trust="stale")]
    )
    said = {shown["key"]: shown["trust_words"] for shown in page_data.table()["rows"]}
    assert said == {"a": "copied from org/x", "b": "stale"}


def test_own_code_is_told_where_it_ran():
    page_data = page_data_of([row("a", remote_code=True), row("b", remote_code=False), row("c")])
    expected = {"a": True, "b": False, "c": False}
    for shown in (page_data.table()["rows"], page_data.releases(list(expected))["releases"]):
        assert {release["key"]: release["own_code"] for release in shown} == expected


def test_a_row_that_could_not_be_read_this_time_is_not_shown_as_fresh():
    kept = [{"name": "a", "reason": "as of commit 1234567 of 2025-10-09; status 503. \u202e"}]
    page_data = page_data_of([row("a"), row("b")], kept=kept)
    for shown in (*page_data.page(View())["rows"], *page_data.releases(["a", "b"])["releases"]):
        late = ", when last read" if shown["key"] == "a" else ""
        assert shown["trust_words"] == f"current{late}"
    one, other = page_data.releases(["a", "b"])["releases"]
    assert one["notes"][0].startswith("Not read when this index was built: as of commit 1234567")
    assert "\u202e" not in one["notes"][0]
    assert other["notes"] == []
    assert page_data.about("server")["index"]["kept"] == 1


def test_hostile_text_is_shown_and_not_obeyed():
    page_data = page_data_of(hostile_rows())
    keys = [each["key"] for each in hostile_rows()]
    documents = [
        page_data.about("server"),
        page_data.page(View()),
        page_data.releases(keys[:8]),
        page_data.table(),
        page_data.findings(),
        *(releases for _, releases in page_data.shards()),
    ]
    for document in documents:
        assert json.loads(encoded(document)) == document
        for path, text in texts(document):
            if path[-1] not in ("key", "href") and "unknown" not in path:
                odd = [c for c in text if unicodedata.category(c)[0] in "CZ" and c != " "]
                assert not odd, (path, text)


def test_hostile_keys_are_picked_as_they_are():
    rows = hostile_rows()
    page_data = page_data_of(rows)
    for each in rows:
        (found,) = page_data.releases([each["key"]])["releases"]
        assert found["key"] == found["row"]["key"] == each["key"]


def test_a_hostile_family_can_be_filtered_by_its_value():
    page_data = page_data_of(hostile_rows())
    for shown in page_data.table()["rows"]:
        wanted = View(facets={"family": tuple(shown["facets"]["family"])})
        found = page_data.page(parse(query_string(wanted)))["rows"]
        assert [each["key"] for each in found] == [shown["key"]]
    assert len(page_data.rows) == len(HOSTILE)


def test_losses_are_told_in_the_cards_words_for_their_ways():
    report = end_to_end_report()
    known = row_of(report, b"", key="a", name="a")
    (shown, older) = page_data_of([known, row("b")]).releases(["a", "b"])["releases"]
    said = [each[0] for each in end_to_end_words.cells(report)]
    assert [each["way"] for each in shown["losses"]] == said
    assert [each["high"] for each in shown["losses"]] == [
        each["loss_change"]["high"] for each in report["end_to_end"]["rows"]
    ]
    assert older["losses"] == []
    cells = {each["key"]: each["cells"] for each in page_data_of([known, row("b")]).table()["rows"]}
    assert [cells[key]["loss_worst_change"] for key in "ab"] == [0.25, None]


def test_a_loss_of_an_unknown_way_is_not_told_in_its_own_words():
    names = dict.fromkeys(("target", "format", "granularity", "policy"), "<b>\u202e")
    loss = names | dict.fromkeys(("change", "low", "high"), 0.1) | {"num_samples": 1}
    loss |= {"kl_divergence": math.inf, "top1_agreement": None}
    (shown,) = page_data_of([row("a", losses=[loss])]).releases(["a"])["releases"]
    assert shown["losses"][0]["way"] == "not known here: not known here, not known here"
    assert shown["losses"][0]["kl_divergence"] is None
    assert "\u202e" not in json.dumps(shown, ensure_ascii=False)


def test_a_table_with_a_loss_that_is_nothing_is_refused():
    with pytest.raises(DamagedTableError, match="no whole losses"):
        page_data_of([row("a", losses=[None])])


def test_what_scales_a_stream_into_fp16_is_told_as_on_the_card():
    report = pooled_report()
    known = row_of(report, b"", key="a", name="a")
    rows = [known, row("b", 7e4, residual_exponent=0), row("c", residual_exponent=3), row("d", 7e4)]
    shown = page_data_of(rows).releases(["a", "b", "c", "d"])["releases"]
    said = dict(advice(report, str))["fp16"]
    assert said.endswith("; that leaves 1 other tensor beyond.")
    assert [each["scaling"] for each in shown] == [f"fp16: {said}", None, None, None]


def test_numbers_that_json_lacks_are_unknown():
    broken = row("a", math.nan, max_hidden_state=math.inf, hidden_state_by_layer=[1.0, -math.inf])
    subset = {"size": 1, "values": [math.nan, 2.0], "range_over_mean": math.nan}
    broken["subsets"] = [subset | {"coefficient_of_variation": math.inf}]
    page_data = page_data_of([broken])
    (shown,) = page_data.page(View())["rows"]
    assert (shown["cells"]["abs_max"], shown["verdict"]["level"]) == (None, "unknown")
    found = page_data.releases(["a"])["releases"][0]["row"]
    assert found["hidden_state_by_layer"] == [1.0, None]
    assert found["subsets"][0]["values"] == [None, 2.0]
    encoded(page_data.table())


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([row("a") | {"key": None}], "no key"),
        ([row("a") | {"notes": None}], "no notes"),
        ([row("a", size=-1)], "a negative size"),
        ([row("a", -1.0)], "a negative abs_max"),
        ([row("a"), row("a")], "two rows a"),
    ],
)
def test_an_index_that_no_page_can_rely_on_is_refused(rows, what):
    with pytest.raises(DamagedTableError, match=what):
        PageData.of(index_of(rows), origin="folder", built=None)


def test_an_empty_index_is_a_page():
    page_data = page_data_of([])
    nothing = {"total": 0, "page": 1, "pages": 1, "rows": []}
    assert page_data.page(View(page=9)) == nothing | {"protocols": {"number": 0, "commonest": []}}
    assert page_data.table() == {"rows": []}
    assert list(page_data.shards()) == []


@pytest.mark.parametrize(
    "name", ["../page_data.py", "/etc/passwd", "", ".", "assets", "x\0.js", "a/b"]
)
def test_only_the_pages_own_files_are_read(name):
    with pytest.raises(KeyError):
        assets.read(name)
    with pytest.raises(KeyError):
        assets.media_type(name)


def test_the_page_has_its_files():
    assert {"index.html", "style.css", "app.js"} <= set(assets.names())
    for name in assets.names():
        assert assets.read(name)
        assert re.match(r"(text|image)/", assets.media_type(name))
