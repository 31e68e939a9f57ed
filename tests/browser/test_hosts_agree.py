"""The same address shows the same on the Space and in the export."""

import json

import pytest
from browser.indexes import hostile_rows, release, write_index

QUERIES = (
    "",
    "?q=gemma",
    "?q=hidden%20state%20org-1",
    "?sort=name",
    "?sort=-name&page=2",
    "?sort=int8_max_abs_sqnr_db&page=3",
    "?sort=exceeds_float16&architecture=dense",
    "?sort=carrier&family=qwen3&family=llama",
    "?size=unknown&size=under-1b&stage=unknown",
    "?format=within-float16&format=beyond-float8_e4m3fn&sort=-size",
    "?q=%3Cimg&sort=-stage",
    "?source=reported%20by%20the%20paper&sort=family&page=2",
    "?trust=stale&trust=current&sort=weights",
    "?pick=org-4%2Fmodel-00018&pick=org-5%2Fmodel-00019&role=mlp_output",
    "?pick=paper%3AQwen3-30B-A3B&pick=paper%3AQwen3-32B&pick=org-1%2Fmodel-00001",
    "?protocol=p1&sort=-name",
    "?protocol=p0&trust=stale&page=2",
    "?view=findings",
    "?view=findings&scope=all",
)


@pytest.fixture(scope="module")
def both(serve, tmp_path_factory):
    rows = [release(number) for number in range(60)]
    index = write_index(tmp_path_factory.mktemp("both"), rows + hostile_rows())
    with serve("space", index) as space, serve("export", index) as export:
        yield space, export


BY_DAY = (QUERIES[0], "?view=findings", QUERIES[2], QUERIES[7])
BY_NIGHT = [pytest.param(each, marks=pytest.mark.nightly) for each in QUERIES if each not in BY_DAY]


@pytest.mark.by_day("*sort=carrier*")
@pytest.mark.parametrize("query", [*BY_DAY, *BY_NIGHT])
def test_both_hosts_show_the_same(visit, both, query):
    shown = []
    for address in both:
        page = visit(address).open(query)
        content = page.locator("#content").inner_text()
        # The export makes some downloads itself and names fewer.
        kept = [line for line in content.splitlines() if not line.startswith("Download ")]
        drawn = page.locator("#content svg path").evaluate_all("all => all.map(p => p.outerHTML)")
        shown.append((kept, drawn, page.evaluate("document.body.dataset.ready")))
    assert json.dumps(shown[0]) == json.dumps(shown[1])
