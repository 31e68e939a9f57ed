"""What a view finds is what looking at every row would find."""

from functools import cmp_to_key

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from page.rows import many, page_data_of, row

from hubmaxact.page.columns import COLUMNS
from hubmaxact.page.facets import FACETS
from hubmaxact.page.url_state import SORTABLE, Sort, View

PAGE_DATA = page_data_of(many(300))
TABLE = PAGE_DATA.table()["rows"]
VALUES = {
    facet["name"]: [choice["value"] for choice in facet["choices"]] + ["nobody-has-this"]
    for facet in PAGE_DATA.about("server")["facets"]
}

VIEWS = st.builds(
    View,
    q=st.sampled_from(["", "MODEL-1", "qwen3 bf", "qwen3 bfloat", "norm", "model-1 org3", "zzz"]),
    facets=st.fixed_dictionaries(
        {},
        optional={
            name: st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True).map(tuple)
            for name, values in VALUES.items()
        },
    ).filter(lambda chosen: len(chosen) < 4),
    sort=st.builds(Sort, st.sampled_from(sorted(SORTABLE)), st.booleans()),
    page=st.integers(1, 14),
)


def units(text):
    """Text as JavaScript compares it."""
    encoded = text.encode("utf-16-be")
    return [int.from_bytes(encoded[at : at + 2]) for at in range(0, len(encoded), 2)]


def compared(a, b):
    return (a > b) - (a < b)


def oracle(view):
    """The keys that a view asks for, by comparing rows of the static table two by two."""

    def wanted(shown):
        words = view.q.lower().split(" ")
        return all(word in shown["search"] for word in words) and all(
            any(value in shown["facets"][name] for value in values)
            for name, values in view.facets.items()
        )

    def order(first, second):
        a, b = (shown["cells"][view.sort.column] for shown in (first, second))
        if (a is None) != (b is None):
            return 1 if a is None else -1
        if isinstance(a, str):
            a, b = units(a.lower()), units(b.lower())
        found = compared(a, b) if a is not None else 0
        if view.sort.descending:
            found = -found
        return found or compared(units(first["key"]), units(second["key"]))

    return [shown["key"] for shown in sorted(filter(wanted, TABLE), key=cmp_to_key(order))]


@settings(max_examples=100, deadline=None)
@given(VIEWS)
def test_filter_order_and_page_equal_a_brute_force_over_the_static_table(view):
    keys = oracle(view)
    pages = max(1, (len(keys) + 24) // 25)
    page = min(view.page, pages)
    found = PAGE_DATA.page(view)
    assert (found["total"], found["page"], found["pages"]) == (len(keys), page, pages)
    assert [shown["key"] for shown in found["rows"]] == keys[25 * page - 25 : 25 * page]


@pytest.mark.parametrize("column", sorted(SORTABLE))
@pytest.mark.parametrize("descending", [False, True])
def test_the_unknown_comes_last_in_both_directions(column, descending):
    found = PAGE_DATA.query.all(View(sort=Sort(column, descending)))
    cell = next(each.cell for each in COLUMNS if each.name == column)
    known = [cell(each) is not None for each in found]
    assert known == sorted(known, reverse=True)
    assert len(found) == 300


def test_ties_go_by_key_in_both_directions():
    page_data = page_data_of([row("b", 1.0), row("a", 1.0), row("c", 2.0)])
    for descending, keys in ((False, ["a", "b", "c"]), (True, ["c", "a", "b"])):
        found = page_data.page(View(sort=Sort("abs_max", descending)))
        assert [shown["key"] for shown in found["rows"]] == keys


def test_sizes_fall_into_buckets_whose_bounds_belong_to_the_larger_one():
    sizes = {"under-1b": 999_999_999, "1b-4b": 10**9, "4b-13b": 4 * 10**9, "13b-40b": 13 * 10**9}
    sizes |= {"40b-130b": 40 * 10**9, "130b-up": 130 * 10**9, "unknown": None}
    page_data = page_data_of([row(name, size=size) for name, size in sizes.items()])
    for name in sizes:
        found = page_data.page(View(facets={"size": (name,)}))
        assert [shown["key"] for shown in found["rows"]] == [name]
    facet = next(f for f in page_data.about("static")["facets"] if f["name"] == "size")
    assert [choice["value"] for choice in facet["choices"]] == list(sizes)


def test_losses_are_filtered_by_the_cards_own_bounds():
    highs = {"small": 0.02, "moderate": 0.1, "large": 0.5, "severe": 0.51, "unknown": None}
    page_data = page_data_of([row(name, loss_worst_high=high) for name, high in highs.items()])
    for name in highs:
        found = page_data.page(View(facets={"loss": (name,)}))
        assert [shown["key"] for shown in found["rows"]] == [name]
    facet = next(f for f in page_data.about("static")["facets"] if f["name"] == "loss")
    assert [choice["value"] for choice in facet["choices"]] == list(highs)


def test_a_row_has_a_value_for_each_format_that_is_known():
    page_data = page_data_of(
        [
            row("a", exceeds_float16=True, exceeds_float8_e5m2=True, exceeds_float8_e4m3fn=True),
            row("b", exceeds_float16=False, exceeds_float8_e4m3fn=True),
            row("c", exceeds_float16=None),
        ]
    )
    said = [shown["facets"]["format"] for shown in page_data.table()["rows"]]
    assert said == [
        ["beyond-float16", "beyond-float8_e5m2", "beyond-float8_e4m3fn"],
        ["within-float16", "beyond-float8_e4m3fn"],
        ["unknown"],
    ]


def test_spellings_of_one_family_are_one_choice_and_choices_count_the_whole_index():
    facet = next(f for f in PAGE_DATA.about("server")["facets"] if f["name"] == "family")
    assert len({choice["value"] for choice in facet["choices"]}) == len(facet["choices"])
    assert sum(choice["count"] for choice in facet["choices"]) == 300
    assert [c["label"] for c in facet["choices"]][-1] == "unknown"
    spelled = next(c["label"] for c in facet["choices"] if c["value"] == "qwen3")
    assert spelled in {"Qwen3", "qwen3"}


def measured_as(key, corpus="probe-5k", **columns):
    return {"protocol_key": key, "corpus_name": corpus, **columns}


def test_a_ranking_tells_its_protocols_and_keeps_to_one_of_them():
    full = measured_as("aa", corpus_version="1", num_samples=5000, max_seq_len=4096, dtype="bf16")
    quick = measured_as("bb", num_samples=1, max_seq_len=32, special_tokens="none")
    rows = [row(f"{n}", 10.0 * n, **(full if n % 3 else quick)) for n in range(9)]
    page_data = page_data_of([*rows, row("x", 1e6, **measured_as("cc", corpus=None))])
    facet = page_data.about("static")["facets"][-1]
    assert [(c["value"], c["label"], c["count"]) for c in facet["choices"]] == [
        ("cc", "cc", 1),
        ("aa", "probe-5k 1, 5,000 texts, up to 4,096 tokens, bf16", 6),
        ("bb", "probe-5k, 1 text, up to 32 tokens, no special tokens", 3),
    ]
    said = page_data.page(View())["protocols"]
    assert said["number"] == 3
    assert [(each["value"], each["count"]) for each in said["commonest"]] == [
        ("aa", 6), ("bb", 3), ("cc", 1),
    ]  # fmt: skip
    found = page_data.page(View(facets={"protocol": ("aa",)}))
    assert [shown["key"] for shown in found["rows"]] == ["8", "7", "5", "4", "2", "1"]
    assert found["protocols"]["number"] == 1


def test_protocols_that_read_alike_are_told_apart_by_their_keys():
    page_data = page_data_of([row(f"{n}", **measured_as(f"key{n % 2}")) for n in range(3)])
    facet = page_data.about("static")["facets"][-1]
    assert [choice["label"] for choice in facet["choices"]] == [
        "probe-5k (key0)",
        "probe-5k (key1)",
    ]


def test_very_many_choices_are_cut_to_the_commonest_and_the_rest_is_counted():
    rows = [row(f"{n}", family=f"rare {n}") for n in range(250)]
    rows += [row(f"common {n}", family="zzz common") for n in range(2)]
    facet = page_data_of(rows).about("server")["facets"][0]
    assert (facet["name"], len(facet["choices"]), facet["more"]) == ("family", 200, 51)
    assert facet["choices"][-1] == {"value": "zzz common", "label": "zzz common", "count": 2}


def test_long_values_differ_where_texts_do_and_fit_an_address():
    page_data = page_data_of([row(f"{n}", family="x" * 120 + str(n)) for n in range(2)])
    values = [shown["facets"]["family"][0] for shown in page_data.table()["rows"]]
    assert len(set(values)) == 2
    assert {len(value) for value in values} == {100}


def test_every_facet_of_the_table_is_told():
    assert list(TABLE[0]["facets"]) == [facet.name for facet in FACETS]
    assert all(shown["facets"][facet.name] for shown in TABLE for facet in FACETS)
