from importlib.resources import files

import pytest

from hubmaxact import corpus
from hubmaxact.corpus.repetition import (
    MAX_MEAN_OVERLAP,
    MAX_OVERLAP,
    MIN_ZLIB_RATIO,
    TOKEN,
    main,
    measure,
    overlaps,
)
from hubmaxact.corpus.texts import Text

WORDS = [f"w{number}" for number in range(60)]


@pytest.mark.nightly
def test_the_first_texts_keep_the_limits():
    rows = measure(corpus.load("probe-5k", num_samples=512).texts)
    assert set(rows) == set(MIN_ZLIB_RATIO)
    for domain, row in rows.items():
        # Other builds of zlib compress a little differently.
        assert row.zlib_ratio >= MIN_ZLIB_RATIO[domain] - 0.01, domain
        assert row.mean_overlap <= MAX_MEAN_OVERLAP, domain
        assert row.max_overlap <= MAX_OVERLAP, domain


def test_the_published_figures_keep_the_limits():
    readme = files("hubmaxact.corpus").joinpath("README.md").read_text("utf-8")
    lines = [line.strip("| ").split(" | ") for line in readme.splitlines() if line[:2] == "| "]
    published = {cells[0]: cells[1:] for cells in lines[1:]}
    assert set(published) == set(MIN_ZLIB_RATIO)
    assert sum(int(cells[0]) for cells in published.values()) == 5000
    for domain, (_, _, ratio, floor, mean, mean_limit, most, limit) in published.items():
        assert float(floor) == MIN_ZLIB_RATIO[domain] <= float(ratio)
        assert float(mean.rstrip("%")) <= float(mean_limit.rstrip("%")) == MAX_MEAN_OVERLAP * 100
        assert float(most.rstrip("%")) <= float(limit.rstrip("%")) == MAX_OVERLAP * 100


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([WORDS, WORDS], [1.0, 1.0]),
        ([WORDS[:30], WORDS[30:]], [0.0, 0.0]),
        # Of the 41 windows of 60 words, the one over words 10 to 29 is in both.
        ([WORDS, ["x", *WORDS[10:30], "y"]], [1 / 41, 1 / 3]),
        ([WORDS[:19], WORDS], [None, 0.0]),
        # A text that repeats itself shares nothing with others.
        ([WORDS[:20] * 2, WORDS[30:]], [0.0, 0.0]),
    ],
)
def test_overlap_is_the_share_of_windows_found_elsewhere(texts, expected):
    assert overlaps([" ".join(words) for words in texts]) == expected


def test_tokens_are_words_runs_of_a_mark_and_characters_of_unspaced_scripts():
    found = [match[0] for match in TOKEN.finditer("two_words, naïve!!! 字字 हिन्दी ไทย a-b")]
    assert found == [
        *("two_words", ",", "naïve", "!!!", "字", "字", "हिन्दी", "ไ", "ท", "ย"),
        *("a", "-", "b"),
    ]


def test_repeated_text_is_found_out():
    row = measure([Text("the same words again " * 40, "web")] * 3)["web"]
    assert row.zlib_ratio < 0.05
    assert row.mean_overlap == row.max_overlap == 1.0
    assert row.num_texts == 3


def test_the_command_prints_a_row_for_each_domain(capsys):
    main(["128"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("| domain | texts | MB | zlib ratio |")
    assert {line.split()[1] for line in lines[2:]} == set(MIN_ZLIB_RATIO)
