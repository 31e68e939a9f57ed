import gzip
import json
import os

import pytest

from hubmaxact import corpus
from hubmaxact.corpus.jsonl import MAX_LINE_BYTES
from hubmaxact.corpus.rows import MAX_DOMAINS
from hubmaxact.corpus.texts import Text, digest_of
from hubmaxact.errors import CorpusError, HubmaxactError


@pytest.fixture
def write(tmp_path):
    def write_file(content, name="mine.jsonl"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write_file


GOOD = '{"text": "one", "domain": "math"}\n{"text": "two"}\n{"text": "one", "domain": "math"}\n'
TEXTS = (Text("one", "math"), Text("two", "unspecified"), Text("one", "math"))


def test_order_and_duplicates_are_kept_and_the_name_is_the_stem(write):
    read = corpus.load(write(GOOD))
    assert read.texts == TEXTS
    assert (read.name, read.version, read.kind) == ("mine", None, None)
    assert read.digest == digest_of(TEXTS)


def test_a_prefix_has_the_digest_of_the_whole_file(write):
    path = write(GOOD)
    assert corpus.load(path, num_samples=1).texts == TEXTS[:1]
    assert corpus.load(path, num_samples=1).digest == corpus.load(path).digest


@pytest.mark.parametrize(
    "content",
    [
        GOOD.rstrip("\n"),
        GOOD.replace("\n", "\r\n"),
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\n\ufeff"),
        "\n" + GOOD.replace("\n", "\n \t\r\n") + "\n\n",
        GOOD.replace('"domain": "math"', '"domain": "math", "source": {"id": [1, null]}'),
        GOOD.replace('{"text": "two"}', '{"domain": null, "text": "two"}'),
        GOOD.replace("one", "\\u006fne"),
        GOOD.replace('"domain": "math"', f'"domain": "math", "n": {"9" * 5000}'),
    ],
)
def test_spellings_of_the_same_corpus_have_the_same_digest(write, content):
    assert corpus.load(write(content)).digest == digest_of(TEXTS)


def test_gzip_is_read_whatever_the_file_is_called(write):
    packed, plain = gzip.compress(GOOD.encode()), GOOD.encode()
    halves = gzip.compress(plain[:30]) + gzip.compress(plain[30:])
    for content in (packed, halves, plain):
        for suffix in (".jsonl.gz", ".json.gz", ".jsonl", ".ndjson", ".json"):
            read = corpus.load(write(content, name=f"mine{suffix}"))
            assert (read.name, read.texts) == ("mine", TEXTS), suffix


def test_a_damaged_gzip_file_and_other_packings_are_refused(write):
    packed = bytearray(gzip.compress(GOOD.encode() * 9))
    sentence = "mine.jsonl.gz is a gzip file that is cut off or damaged; fetch it again"
    wrong = packed.copy()
    wrong[-5] ^= 1
    for content in (packed[:40], packed[:4], wrong):
        with pytest.raises(CorpusError, match=sentence):
            corpus.load(write(bytes(content), name="mine.jsonl.gz"))
    for start, kind in ((b"\x28\xb5\x2f\xfd", "zstd"), (b"BZh9", "bzip2"), (b"PK\3\4", "zip")):
        with pytest.raises(CorpusError, match=f"mine.json is compressed with {kind}, .* unpack it"):
            corpus.load(write(start + bytes(40), name="mine.json"))


def test_a_file_that_is_no_jsonl_by_its_name_is_not_said_to_be_missing(write):
    with pytest.raises(CorpusError, match=r"mine\.txt does not end in one of \.jsonl, "):
        corpus.load(write(GOOD, name="mine.txt"))


def test_line_separators_inside_a_text_do_not_end_the_line(write):
    text = "a\u2028b\x85c\x0b\U0001f469"
    line = json.dumps({"text": text}, ensure_ascii=False)
    assert corpus.load(write(line)).texts == (Text(text, "unspecified"),)


BAD = {
    "not JSON": ("text", r"not JSON \(Expecting value, column 1\); write one JSON object a line\."),
    "cut off": ('{"text": "a', r"not JSON \(Unterminated string .*column 10\); write"),
    "two objects": ('{"text": "a"} {"text": "b"}', r"not JSON \(Extra data, column 15\)"),
    "raw control character": ('{"text": "a\tb"}', r"not JSON \(Invalid control char"),
    "lone carriage returns": (
        '{"text": "a"}\r{"text": "b"}',
        r".*; write one JSON object a line\.",
    ),
    "array": ('["a"]', "expected a JSON object, found an array; write one JSON object a line"),
    "string": ('"a"', "expected a JSON object, found a string"),
    "null": ("null", "expected a JSON object, found null"),
    "number": ("7", "expected a JSON object, found a number"),
    "no text": (
        r'{"content": "a", "la\u001b[1mng": 1}',
        r'no "text"; found "content", "la\\u001b\[1mng"\. Rename the one .* to "text"\.',
    ),
    "many keys": (json.dumps(dict.fromkeys(map(str, range(99)))), r'no "text"; .* "11", \.\.\.\.'),
    "no key": ("{}", r'no "text"; nor any other key; write \{"text": "\.\.\."\}\.'),
    "null text": ('{"text": null}', '"text" must be a string, found null'),
    "number text": ('{"text": 1.5}', '"text" must be a string, found a number'),
    "boolean text": ('{"text": true}', '"text" must be a string, found a boolean'),
    "object text": ('{"text": {}}', '"text" must be a string, found an object'),
    "empty text": ('{"text": ""}', '"text" is empty; remove the line or fill it'),
    "surrogate": (r'{"text": "ab\ud800"}', '"text" holds half a surrogate pair at char.* 2'),
    "duplicate": ('{"text": "a", "text": "b"}', "the key 'text' appears twice"),
    "deep duplicate": ('{"text": "a", "x": {"y": 1, "y": 1}}', "the key 'y' appears twice"),
    "NaN": ('{"text": "a", "x": NaN}', "NaN is not JSON; write a number or null"),
    "infinity": ('{"text": "a", "x": -Infinity}', "-Infinity is not JSON"),
    "deep": ('{"text": "a", "x": ' + "[" * 100_000, "nested too deeply"),
    "domain number": ('{"text": "a", "domain": 3}', '"domain" must be a string, found a number'),
    "domain empty": ('{"text": "a", "domain": ""}', '"domain" has 0 characters; use 1 to 64'),
    "domain long": (
        json.dumps({"text": "a", "domain": "d" * 65}),
        '"domain" has 65 characters; use 1 to 64',
    ),
    "domain control": (r'{"text": "a", "domain": "a\u001b[31m"}', '"domain" holds a control char'),
    "domain bidi": (r'{"text": "a", "domain": "a\u202eb"}', '"domain" holds a control character'),
    "domain surrogate": (r'{"text": "a", "domain": "\udfff"}', '"domain" holds half a surrogate'),
}


@pytest.mark.parametrize(("line", "sentence"), BAD.values(), ids=BAD)
def test_a_bad_line_is_named_with_its_number(write, line, sentence):
    with pytest.raises(CorpusError, match=f"^mine.jsonl line 2: {sentence}"):
        corpus.load(write('{"text": "fine"}\n' + line + "\n"))


def test_bytes_that_are_no_text_are_named(write):
    with pytest.raises(CorpusError, match=r"mine.jsonl line 1: not UTF-8 at byte 10"):
        corpus.load(write(b'{"text": "\xff"}\n'))


@pytest.mark.parametrize("host", ["git-lfs", "hawser"])
def test_a_git_lfs_pointer_is_told_from_a_bad_line(write, host):
    pointer = f"version https://{host}.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 9\n"
    with pytest.raises(CorpusError, match=r"^mine.jsonl is a Git LFS pointer.*git lfs pull"):
        corpus.load(write(pointer))
    with pytest.raises(CorpusError, match=r"mine.jsonl line 2: not JSON"):
        corpus.load(write(GOOD.splitlines()[0] + "\n" + pointer))


def test_a_line_is_bounded(write):
    line = '{"text": "' + "a" * MAX_LINE_BYTES + '"}'
    with pytest.raises(CorpusError, match=r"mine.jsonl line 1: longer than 16 MiB; split it"):
        corpus.load(write(line))


def test_a_bad_line_behind_the_prefix_is_still_found(write):
    with pytest.raises(CorpusError, match="line 4"):
        corpus.load(write(GOOD + "oops\n"), num_samples=1)


@pytest.mark.parametrize("content", ["", "\ufeff", "\n\r\n  \n"])
def test_a_file_without_texts_is_refused(write, content):
    with pytest.raises(CorpusError, match=r"mine is empty; a corpus needs"):
        corpus.load(write(content))


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [(0, "cannot take 0 texts of mine"), (4, "mine has 3 texts, 4 were asked for; lower")],
)
def test_a_number_of_texts_that_cannot_be_had_is_refused(write, asked, sentence):
    with pytest.raises(CorpusError, match=sentence):
        corpus.load(write(GOOD), num_samples=asked)


def test_too_many_domains_are_refused(write):
    lines = [json.dumps({"text": "a", "domain": str(n)}) for n in range(MAX_DOMAINS + 1)]
    assert len(corpus.load(write("\n".join(lines[:-1]))).texts) == MAX_DOMAINS
    with pytest.raises(CorpusError, match="mine has more than 256 different domains"):
        corpus.load(write("\n".join(lines)))


def test_a_file_does_not_pass_for_a_corpus_with_a_name(write):
    for name in ("paper.jsonl", "paper.json.gz", "probe-5k.ndjson"):
        with pytest.raises(CorpusError, match=rf"{name} would pass for the corpus .*; rename"):
            corpus.load(write(GOOD, name=name))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(CorpusError, match=r"cannot read the corpus .*none.jsonl: No such file"):
        corpus.load(str(tmp_path / "none.jsonl"))


def test_what_is_no_regular_file_is_refused_and_not_waited_for(tmp_path):
    tmp_path.joinpath("folder.jsonl").mkdir()
    os.mkfifo(tmp_path / "pipe.jsonl")
    for name in ("folder.jsonl", "pipe.jsonl"):
        refused = rf"{name}: it is not a regular file. Name a JSONL file"
        with pytest.raises(CorpusError, match=refused):
            corpus.load(str(tmp_path / name))


@pytest.mark.parametrize("stem", ["a\x1bb", "a\u202eb", "a\udcffb"])
def test_a_file_name_that_a_report_cannot_carry_is_refused(tmp_path, stem):
    with pytest.raises(CorpusError, match="cannot stand in a report; rename the file"):
        corpus.load(str(tmp_path / f"{stem}.jsonl"))


def test_the_user_can_fix_it():
    assert issubclass(CorpusError, HubmaxactError)
    assert CorpusError.exit_code == 2
