import hashlib
import re

import pytest

from hubmaxact import corpus
from hubmaxact.corpus.hub_dataset import Address, parse
from hubmaxact.corpus.texts import Text, digest_of
from hubmaxact.errors import CorpusError

TEXTS = [["one", "a"], ["two", "unspecified"]]
DIGEST = digest_of([Text(*pair) for pair in TEXTS])
LINES = "hf://datasets/someone/lines"
SEVERAL = "hf://datasets/someone/several"
VARIABLE = "HUBMAXACT_LLAMA_TOKENIZER"


@pytest.mark.parametrize(
    ("spec", "address"),
    [
        ("hf://datasets/a/b", Address("a/b", None, None)),
        ("hf://datasets/a/b@main", Address("a/b", "main", None)),
        ("hf://datasets/a/b@refs%2Fpr%2F1/x.jsonl", Address("a/b", "refs/pr/1", "x.jsonl")),
        ("hf://datasets/a/b/x/y@2.parquet", Address("a/b", None, "x/y@2.parquet")),
    ],
)
def test_an_address_is_taken_apart(spec, address):
    assert parse(spec) == address


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("hf://datasets/a", "is no data set address; write hf://datasets/OWNER/NAME"),
        ("hf://models/a/b", "is no data set address"),
        ("hf://datasets/a/b@/x.jsonl", "is no data set address"),
        ("hf://datasets/a b/c", "is no data set address"),
        ("hf://datasets/a/b/x.csv", r"x\.csv is neither \.jsonl nor \.parquet"),
    ],
)
def test_another_form_is_refused_before_the_network(spec, sentence):
    with pytest.raises(CorpusError, match=sentence):
        corpus.load(spec)


def test_a_data_set_is_read_at_the_commit_its_revision_points_to(ask, hub):
    commit = ask.commit_of("someone/lines")
    named, pinned, request, prefix = ask(
        LINES,
        f"{LINES}@{commit}/data/train.jsonl",
        f"{LINES}@refs%2Fpr%2F1/data/train.jsonl",
        (LINES, 1),
    )
    assert named["texts"] == TEXTS
    assert (named["name"], named["version"], named["kind"]) == ("someone/lines", commit, None)
    assert named == pinned == request == named | {"digest": DIGEST}
    assert prefix == named | {"texts": TEXTS[:1]}
    # The file is fetched once, by commit; afterwards the cache serves it.
    fetched = [line for line in hub.requests if line.startswith("GET /datasets/")]
    assert fetched == [f"GET /datasets/someone/lines/resolve/{commit}/data/train.jsonl"]


def test_a_named_file_at_a_commit_is_read_offline_once_it_is_cached(ask, hub):
    spec = f"{LINES}@{ask.commit_of('someone/lines')}/data/train.jsonl"
    (first,) = ask(spec)
    assert not [line for line in hub.requests if "/api/" in line]
    assert ask(spec, HF_HUB_OFFLINE="1") == [first]
    assert first["digest"] == DIGEST


def test_parquet_and_names_with_blanks_are_read(ask):
    table, blank = ask("hf://datasets/someone/table", f"{SEVERAL}/b c.jsonl")
    assert table["texts"] == blank["texts"] == TEXTS
    assert table["digest"] == blank["digest"] == DIGEST


BAD = {
    SEVERAL: r"someone/several holds 6 .jsonl or .parquet files \(a.jsonl, b c.jsonl.*name one",
    f"{SEVERAL}/bad.jsonl": r'bad.jsonl line 3: no "text"',
    f"{SEVERAL}/cut.parquet": r"cut.parquet is not a readable parquet file",
    f"{SEVERAL}/none.parquet": r'none.parquet row 1: no "text"',
    f"{SEVERAL}/null.parquet": r'null.parquet row 2: "text" must be a string, found null',
    f"{SEVERAL}/missing.jsonl": r"a file of someone/several at \w{40} is not there; check its name",
    "hf://datasets/someone/pictures": r"someone/pictures holds no .jsonl or .parquet file",
    "hf://datasets/someone/nothing": r"the Hub has no someone/nothing, or you may not see it",
    "hf://datasets/someone/gated": r"someone/gated is gated; accept its terms",
    "hf://datasets/someone/busy": r"the Hub answered 418 for someone/busy; try again later",
    f"{LINES}@nowhere": r"the Hub has no someone/lines at nowhere; check the revision",
    "hf://datasets/some--one/x..y": r"'some--one/x..y' is not a repository name",
}


def test_each_failure_has_its_sentence(ask):
    for spec, answer in zip(BAD, ask(*BAD), strict=True):
        assert re.search(BAD[spec], answer.get("error", "")), (spec, answer)


@pytest.mark.parametrize(
    "environment", [{"HF_ENDPOINT": "http://127.0.0.1:9"}, {"HF_HUB_OFFLINE": "1"}]
)
def test_no_network_is_said_in_one_sentence(ask, environment):
    (answer,) = ask(LINES, **environment)
    assert re.search(
        r"^the Hub cannot be reached for someone/lines \(\w+\); check the network\.$",
        answer["error"],
    )


def test_the_paper_corpus_is_decoded_with_its_special_tokens(ask, llama_like, paper_rows):
    whole, prefix = ask("paper", ("paper", 2))
    commit = ask.commit_of("Clxxxx/eval_diverse_dataset")
    used = hashlib.sha256(llama_like.to_str().encode()).hexdigest()[:16]
    assert (whole["name"], whole["kind"]) == ("paper", "natural")
    assert whole["version"] == f"{commit}|tokenizer-sha256:{used}"
    texts = [text for text, _ in whole["texts"]]
    assert texts == ["<s> " + text for text in PAPER_TEXTS]
    assert [domain for _, domain in whole["texts"]] == [row["category"] for row in paper_rows]
    assert prefix == whole | {"texts": whole["texts"][:2]}


PAPER_TEXTS = [
    "The river is wide and the river is slow.",
    "Das Wetter ist heute schön, und morgen?",
    "河水很宽。",
    "x = 12 * 34  # spaces   kept\n\tindented",
]


def test_another_copy_of_the_tokenizer_gives_the_same_corpus(ask, llama_like, tmp_path):
    tmp_path.joinpath("copy").mkdir()
    tmp_path.joinpath("copy", "tokenizer.json").write_text(llama_like.to_str(), "utf-8")
    (usual,) = ask("paper")
    (local,) = ask("paper", **{VARIABLE: str(tmp_path / "copy")})
    (other,) = ask("paper", **{VARIABLE: "someone/other-copy@main"})
    assert usual == local == other
    assert str(tmp_path) not in str(local)


@pytest.mark.parametrize(
    ("copy", "sentence"),
    [
        ("someone/nothing", "the Hub has no someone/nothing"),
        ("someone/slow-only", "a file of someone/slow-only at .* is not there"),
        ("someone/damaged", "tokenizer.json cannot be read .*; set HUBMAXACT_LLAMA_TOKENIZER"),
        ("{folder}", "has no readable tokenizer.json; set HUBMAXACT_LLAMA_TOKENIZER"),
    ],
)
def test_a_tokenizer_that_cannot_serve_is_named(ask, tmp_path, copy, sentence):
    (answer,) = ask("paper", **{VARIABLE: copy.format(folder=tmp_path)})
    assert re.search(sentence, answer["error"])
