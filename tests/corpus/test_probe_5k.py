import ast
import os
import re
import subprocess
import sys
from collections import Counter

import pytest

from hubmaxact import corpus
from hubmaxact.corpus.probe_5k import pins
from hubmaxact.corpus.probe_5k.make import GENRES, fill, make_text
from hubmaxact.corpus.probe_5k.places import NUM_TEXTS, places
from hubmaxact.corpus.texts import Digest, Text, digest_of
from hubmaxact.errors import CorpusError

NUM_SAMPLES = 512


@pytest.fixture(scope="module")
def probe():
    return corpus.load("probe-5k", num_samples=NUM_SAMPLES)


def test_it_says_what_it_is(probe):
    assert (probe.name, probe.version, probe.kind) == ("probe-5k", "1", "synthetic")
    assert re.fullmatch("sha256:[0-9a-f]{64}", probe.digest)
    assert len(probe.texts) == NUM_SAMPLES


def test_the_digest_is_pinned():
    # This digest stands in published reports: it changes with VERSION only.
    assert pins.combine(pins.pins()) == DIGEST
    assert len(pins.pins()) == -(-NUM_TEXTS // pins.WINDOW)


def test_a_prefix_is_the_start_of_a_longer_one_and_has_the_whole_corpus_digest(probe):
    prefix = corpus.load("probe-5k", num_samples=200)
    assert prefix.texts == probe.texts[:200]
    assert prefix.digest == probe.digest


@pytest.mark.parametrize(("asked", "sentence"), [(0, "at least 1"), (5001, "has 5,000 texts")])
def test_a_number_of_texts_that_cannot_be_had_is_refused(asked, sentence):
    with pytest.raises(CorpusError, match=sentence):
        corpus.load("probe-5k", num_samples=asked)


def test_a_window_that_differs_from_its_pin_is_refused():
    window = list(pins.make_window(39))
    pins.check_window(39, digest_of(window), pins.pins()[39])
    window[3] = Text(window[3].text + " ", window[3].domain)
    with pytest.raises(CorpusError, match=r"texts 4992 to 4999 of probe-5k .* platform differs"):
        pins.check_window(39, digest_of(window), pins.pins()[39])


SCRIPT = """
from hubmaxact.corpus.probe_5k.pins import make_window
from hubmaxact.corpus.texts import digest_of
print(digest_of(make_window(17)))
"""


@pytest.mark.by_day("environment1")
@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "0", "LC_ALL": "C", "PYTHONUTF8": "0"},
        {"PYTHONHASHSEED": "1", "LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu"},
    ],
)
def test_hash_seed_locale_and_time_zone_change_nothing(environment):
    made = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stdout.strip() == pins.pins()[17]


def test_lengths_keep_to_the_plan(probe):
    for place, text in zip(places(), probe.texts, strict=False):
        genres = GENRES[place.domain]
        tenths = genres[place.turn % len(genres)].tenths
        planned = place.cap * place.permille * tenths // 10_000
        assert planned - 3 <= len(text.text.encode()) <= planned
        assert 0.75 <= place.permille / 1000 <= 1.0


def test_texts_are_cut_at_a_character():
    assert fill(iter(["déjà", "vu"]), 3) == "dé"
    assert fill(iter(["déjà", "vu"]), 5) == "déj"
    assert fill(iter(["字字"]), 5) == "字"


def test_texts_are_sound_unicode_and_differ(probe):
    assert len({text.text for text in probe.texts}) == NUM_SAMPLES
    for text in probe.texts:
        assert text.text.strip()
        assert "\ufffd" not in text.text


BLOCKS = {
    "Cyrillic": "\u0400-\u04ff",
    "Greek": "\u0370-\u03ff",
    "Arabic": "\u0600-\u06ff",
    "Hebrew": "\u0590-\u05ff",
    "Devanagari": "\u0900-\u097f",
    "Bengali": "\u0980-\u09ff",
    "Tamil": "\u0b80-\u0bff",
    "Thai": "\u0e00-\u0e7f",
    "Georgian": "\u10a0-\u10ff",
    "Armenian": "\u0530-\u058f",
    "Ethiopic": "\u1200-\u137f",
    "Hangul": "\uac00-\ud7af",
    "kana": "\u3040-\u30ff",
}


def test_the_first_texts_of_other_scripts_are_in_thirteen_of_them(probe):
    texts = [text.text for text in probe.texts if text.domain == "minority_scripts"][:13]
    found = Counter(
        name
        for text in texts
        for name, block in BLOCKS.items()
        if len(re.findall(f"[{block}]", text)) > len(text) // 2
    )
    assert found == dict.fromkeys(BLOCKS, 1)


def test_chinese_texts_are_chinese(probe):
    for text in probe.texts:
        if text.domain == "chinese":
            assert len(re.findall("[\u4e00-\u9fff]", text.text)) > len(text.text) // 2


@pytest.mark.parametrize(
    "pattern",
    [
        r"\n{4}",
        r"[0-9]{100}",
        r"([.!?_=*-])\1{60}",
        r"<s>|</s>|<\|endoftext\|>",
        r"https://[a-zA-Z]+\.example/",
        "\u200b",
        "\U0001f469\u200d\U0001f680",
        r"#include <std",
        r"\ndef [a-z_]+\(",
        r"\bfn [a-z_]+\(",
        r"\nSELECT ",
        r"<!DOCTYPE html>|</h2>",
        r"\\begin\{",
        r'"[a-z_]+": \{',
    ],
)
def test_the_first_texts_hold(probe, pattern):
    assert any(re.search(pattern, text.text) for text in probe.texts)


def statements(texts, pattern):
    return [tuple(map(int, found)) for text in texts for found in re.findall(pattern, text.text)]


@pytest.mark.parametrize(
    ("pattern", "holds"),
    [
        (r"  (\d+) x (\d+) = (\d+)\n", lambda a, b, c: a * b == c),
        (r"(\d+) = (\d+) \* (\d+) \+ (\d+)[;\n]", lambda n, q, d, r: n == q * d + r and r < d),
        (r"(-?\d+) \* (\d+) \+ \((-?\d+)\) \* (\d+) = (\d+)\.",
         lambda x, a, y, b, g: x * a + y * b == g),
        (r"(\d+)\^(\d+) modulo (\d+)\. In base[^\n]* (\d+)\.\n",
         lambda base, power, m, rest: pow(base, power, m) == rest),
        (r"B\((-?\d+), (-?\d+)\), C\((-?\d+), (-?\d+)\)\..*BC\^2 = (\d+)\.",
         lambda bx, by, cx, cy, d: (bx - cx) ** 2 + (by - cy) ** 2 == d),
        (r"det A = (-?\d+), det B = (-?\d+), det AB = (-?\d+);", lambda a, b, c: a * b == c),
    ],
)  # fmt: skip
def test_the_mathematics_is_true(probe, pattern, holds):
    math = [text for text in probe.texts if text.domain == "math"]
    found = statements(math, pattern)
    assert len(found) > 10
    for numbers in found:
        assert holds(*numbers), numbers


def test_roots_of_quadratics_are_roots(probe):
    math = "\n".join(text.text for text in probe.texts if text.domain == "math")
    found = re.findall(
        r"roots of \D{0,2}(\d*)x\^2 ([+-]) (\d+)x ([+-]) (\d+) = 0"
        r".*?/\d+ = (-?\d+) or .*?/\d+ = (-?\d+)\.",
        math,
    )
    assert len(found) > 20
    for a, s1, b, s2, c, *roots in found:
        for x in map(int, roots):
            assert int(a or 1) * x * x + int(s1 + b) * x + int(s2 + c) == 0


def test_the_python_is_python(probe):
    sources = [
        text.text for text in probe.texts if re.search(r"^def \w+\(", text.text, re.MULTILINE)
    ]
    sources = [source for source in sources if source.startswith("# ")]
    assert len(sources) > 10
    for source in sources:
        ast.parse(source[: source.rindex("\n\n")])


def test_a_text_depends_on_its_place_alone():
    place = places()[3210]
    assert make_text(place) == make_text(place)


def test_the_digest_tells_domains_texts_and_order_apart():
    lists = [
        [("ab", "c")],
        [("a", "bc")],
        [("ab", "c"), ("d", "e")],
        [("d", "e"), ("ab", "c")],
        [("", "")],
        [],
    ]
    digests = {digest_of(Text(text, domain) for text, domain in pairs) for pairs in lists}
    assert len(digests) == len(lists)
    # SHA-256 of b"\0\0\0\0\0\0\0\1d\0\0\0\0\0\0\0\1t", for readers in other languages.
    digest = Digest()
    digest.update(Text("t", "d"))
    assert digest.result() == TINY_DIGEST


def test_loading_it_imports_neither_torch_nor_a_hub_client():
    code = (
        "import sys; from hubmaxact import corpus; corpus.load('probe-5k', num_samples=1); "
        "print(sorted({'torch', 'transformers', 'tokenizers', 'datasets', 'huggingface_hub', "
        "'numpy'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_an_unknown_name_is_refused_with_what_there_is():
    with pytest.raises(CorpusError, match=r"no corpus probe-6k; use probe-5k, paper, a file"):
        corpus.load("probe-6k")


DIGEST = "sha256:2e059d45aba9a41e659e22000f53aaefd7546e6c685e4adcd0966784d41d236b"
TINY_DIGEST = "sha256:714146468eab2af1f5734a1ea5354c895c330d54249448cdafda37cf8975a77e"
