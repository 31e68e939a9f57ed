"""An address stands for one state, a state has one address, and no address is an error."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hubmaxact.page.facets import FACETS
from hubmaxact.page.url_state import BLANK, DEFAULT_SORT, SORTABLE, Sort, View, parse, query_string

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def several(longest, most):
    values = TEXT.filter(lambda text: len(text) <= longest)
    return st.lists(values, min_size=1, max_size=most, unique=True).map(tuple)


VIEWS = st.builds(
    View,
    q=TEXT.map(lambda text: BLANK.sub(" ", text).strip(" ")[:200].strip(" ")),
    facets=st.dictionaries(st.sampled_from([f.name for f in FACETS]), several(100, 20)),
    sort=st.builds(Sort, st.sampled_from(sorted(SORTABLE)), st.booleans()),
    page=st.integers(1, 999_999),
    picks=st.one_of(st.just(()), several(600, 8)),
    role=st.sampled_from(["hidden_state", "attention_output", "mlp_output"]),
    view=st.sampled_from(["releases", "findings"]),
    scope=st.sampled_from(["paper", "measured", "all"]),
)


@given(VIEWS)
def test_a_state_comes_back_from_its_address(view):
    assert parse(query_string(view)) == view


@given(st.text())
@example("q=%ff%fe&page=%31&pick=%00")
@example("\ud800&q=\udfff&pick=\ud800")
@example("&&&=&==&q&page&sort=-&pick=")
def test_no_address_is_an_error_and_each_has_a_canonical_one(address):
    view = parse(address)
    assert parse(query_string(view)) == view


def test_the_default_state_has_an_empty_address():
    assert query_string(View()) == ""
    assert parse("") == parse("?") == View()


def test_the_order_is_fixed_and_the_escapes_are_those_of_browsers():
    view = View(
        q="a b&c",
        facets={"trust": ("stale",), "family": ("qwen 3", "(l'ing)*!~")},
        sort=Sort("size", descending=False),
        page=2,
        picks=("paper:A/b", "file:\u00e9"),
        role="mlp_output",
        view="findings",
        scope="all",
    )
    assert query_string(view) == (
        "view=findings&q=a%20b%26c&family=qwen%203&family=(l'ing)*!~&trust=stale&sort=size&page=2"
        "&role=mlp_output&scope=all&pick=paper%3AA%2Fb&pick=file%3A%C3%A9"
    )
    assert parse(query_string(view)) == view


@pytest.mark.parametrize(
    "address",
    [
        "page=0",
        "page=-1",
        "page=1.5",
        "page=%D9%A1",
        "page=1e9",
        "page=99999999999999999999",
        "sort=nothing",
        "sort=--abs_max",
        "sort=__class__",
        "role=router_logits",
        "view=../../etc/passwd",
        "scope=PAPER",
        "unknown=1&__proto__=x&facets=y",
        f"family={'x' * 101}",
        f"pick={'x' * 601}",
        "family=&pick=&q=%20%09",
    ],
)
def test_a_bad_value_is_the_default(address):
    assert parse(address) == View()


def test_lists_end_at_their_caps_and_repeat_nothing():
    view = parse("&".join(f"pick={n % 12}&stage={n % 30}" for n in range(100)))
    assert view.picks == tuple("01234567")
    assert view.facets == {"stage": tuple(str(n) for n in range(20))}
    assert len(parse("q=" + "x" * 1000).q) == 200
    assert len(parse("pick=x&" * 100_000).picks) == 1


def test_of_a_key_with_one_value_the_first_counts():
    view = parse("page=3&page=4&sort=name&sort=size&q=a&q=b")
    assert (view.page, view.sort, view.q) == (3, Sort("name", descending=False), "a")
    assert parse("sort=-abs_max").sort == parse("sort=bad&sort=size").sort == DEFAULT_SORT
