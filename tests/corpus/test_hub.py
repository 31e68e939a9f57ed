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
        ("hf://datasets/a/b/", Address("a/b", None, None)),
        ("hf://datasets/a/b@refs/pr/1/x.jsonl", Address("a/b", "refs/pr/1", "x.jsonl")),
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
        (
            "https://me:secret@hub/datasets/a/b/blob/main/x.jsonl",
            r"https://\.\.\.@hub/\S+ is a URL\. Name a data set of the Hub as hf://datasets/",
        ),
        ("hf://me:secret@hub/a", r"^'hf://\.\.\.@hub/a' is no data set address"),
        ("hf://datasets/a/b/x.csv", r"x\.csv is neither \.jsonl nor \.parquet"),
    ],
)
def test_another_form_is_refused_before_the_network(spec, sentence):
    with pytest.raises(CorpusError, match=sentence):
        corpus.load(spec)


def test_a_data_set_is_read_at_the_commit_its_revision_points_to(ask, hub, head):
    commit = head("someone/lines")
    repo = hub.repos["dataset", "someone/lines"]
    _, offered = repo.open_pull_request({"README.md": b"# lines\n"}, title="words")
    named, pinned, request, prefix = ask(
        LINES,
        f"{LINES}@{commit}/data/train.jsonl",
        f"{LINES}@refs%2Fpr%2F1/data/train.jsonl",
        (LINES, 1),
    )
    assert named["texts"] == TEXTS
    assert (named["name"], named["version"], named["kind"]) == ("someone/lines", commit, None)
    assert named == pinned == named | {"digest": DIGEST}
    assert request == named | {"version": offered.sha}
    assert prefix == named | {"texts": TEXTS[:1]}
    # The file is fetched once for each commit; afterwards the cache serves it.
    fetched = [each.target for each in hub.asked("GET", "/resolve/")]
    place = "/datasets/someone/lines/resolve/{}/data/train.jsonl"
    assert fetched == [place.format(commit)]


@pytest.mark.nightly
def test_a_named_file_at_a_commit_is_read_offline_once_it_is_cached(ask, hub, head):
    spec = f"{LINES}@{head('someone/lines')}/data/train.jsonl"
    (first,) = ask(spec)
    assert hub.asked("GET", "/api/") == []
    hub.requests.clear()
    assert ask(spec, HF_HUB_OFFLINE="1") == [first]
    assert hub.requests == []
    assert first["digest"] == DIGEST


@pytest.mark.nightly
def test_a_branch_is_read_offline_at_the_commit_it_pointed_to_when_it_was_fetched(ask, hub):
    (first,) = ask(LINES)
    hub.repos["dataset", "someone/lines"].commit({"data/train.jsonl": b'{"text": "new"}\n'})
    hub.requests.clear()
    assert ask(LINES, HF_HUB_OFFLINE="1") == [first]
    assert hub.requests == []


def test_parquet_and_names_with_blanks_are_read(ask):
    table, blank = ask("hf://datasets/someone/table", f"{SEVERAL}/b c.jsonl")
    assert table["texts"] == blank["texts"] == TEXTS
    assert table["digest"] == blank["digest"] == DIGEST


BAD = {
    SEVERAL: "CorpusError: the data set someone/several holds 6 .jsonl, .jsonl.gz, .json.gz or "
    r".parquet files \(a.jsonl, b c.jsonl.*name one",
    f"{SEVERAL}/bad.jsonl": r'CorpusError: bad.jsonl line 3: no "text"',
    f"{SEVERAL}/cut.parquet": r"CorpusError: cut.parquet is not a readable parquet file",
    f"{SEVERAL}/none.parquet": r'CorpusError: none.parquet: no "text"; found "words"',
    f"{SEVERAL}/null.parquet": r'CorpusError: null.parquet row 2: "text" must be a string',
    f"{SEVERAL}/missing.jsonl": "CorpusError: the data set someone/several has no missing.jsonl "
    r"at \w{7}; check the file's name",
    "hf://datasets/someone/pictures": "CorpusError: the data set someone/pictures holds no "
    ".jsonl, .jsonl.gz, .json.gz or .parquet file",
    f"{SEVERAL}/../x.jsonl": r"HubError: '\.\./x\.jsonl' is not the path of a file",
    "hf://datasets/some--one/x..y": "HubError: 'some--one/x..y' is not a repository id",
    f"{LINES}@nowhere": r"HubError: the data set someone/lines has no revision nowhere \(404\)",
}


NO_ANSWER = (
    "NoAnswerError: the Hub at http://127.0.0.1:9/datasets/someone/lines gives no usable answer: "
    "the connection failed. Try again later."
)
NOT_HERE = (
    "HubError: HF_HUB_OFFLINE is set, and the Hub's cache on this machine does not hold {} the "
    "data set someone/lines at {}. Fetch it where the network is with `hf download someone/lines "
    "--repo-type dataset{}`, or unset HF_HUB_OFFLINE."
)
NOTHING = NOT_HERE.replace("{} the", "the").format("main", "")
NO_FILE = NOT_HERE.format("data/train.jsonl of", "0" * 7, f" --revision {'0' * 40}")


def test_each_failure_has_its_sentence(ask):
    for spec, answer in zip(BAD, ask(*BAD), strict=True):
        assert re.match(BAD[spec], answer.get("error", "")), (spec, answer)
        assert answer["code"] == 2, spec


@pytest.mark.by_day("offline")
@pytest.mark.parametrize(
    ("spec", "environment", "sentence"),
    [
        (LINES, {"HF_ENDPOINT": "http://127.0.0.1:9"}, NO_ANSWER),
        (LINES, {"HF_HUB_OFFLINE": "1"}, NOTHING),
        (f"{LINES}@{'0' * 40}/data/train.jsonl", {"HF_HUB_OFFLINE": "1"}, NO_FILE),
    ],
    ids=["unreachable", "offline", "offline and not in the cache"],
)
def test_no_network_is_said_in_one_sentence(ask, spec, environment, sentence):
    assert ask(spec, **environment) == [{"error": sentence, "code": 2}]


def test_the_paper_corpus_is_decoded_with_its_special_tokens(ask, head, llama_like, paper_rows):
    whole, prefix = ask("paper", ("paper", 2))
    commit = head("Clxxxx/eval_diverse_dataset")
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


@pytest.mark.nightly
def test_another_copy_of_the_tokenizer_gives_the_same_corpus(ask, llama_like, tmp_path):
    tmp_path.joinpath("copy").mkdir()
    tmp_path.joinpath("copy", "tokenizer.json").write_text(llama_like.to_str(), "utf-8")
    (usual,) = ask("paper")
    (local,) = ask("paper", **{VARIABLE: str(tmp_path / "copy")})
    (other,) = ask("paper", **{VARIABLE: "someone/other-copy@main"})
    assert usual == local == other
    assert str(tmp_path) not in str(local)


@pytest.mark.by_day("someone/damaged*")
@pytest.mark.parametrize(
    ("copy", "sentence"),
    [
        ("someone/nothing", "HubError: someone/nothing is not on the Hub, or not for everybody"),
        ("someone/slow-only", "someone/slow-only has no readable tokenizer.json; set HUBMAXACT_"),
        ("someone/damaged", "tokenizer.json cannot be read .*; set HUBMAXACT_LLAMA_TOKENIZER"),
        ("{folder}", "has no readable tokenizer.json; set HUBMAXACT_LLAMA_TOKENIZER"),
    ],
)
def test_a_tokenizer_that_cannot_serve_is_named(ask, tmp_path, copy, sentence):
    (answer,) = ask("paper", **{VARIABLE: copy.format(folder=tmp_path)})
    assert re.search(sentence, answer["error"])
