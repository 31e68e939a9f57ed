"""The tag goes into the front matter as text, or not at all."""

import itertools
import re

import pytest
import yaml

from hubmaxact.publication.readme.front_matter import TAG, add_tag, body_start, find


def tags_of(text):
    return yaml.safe_load(text.split("---")[1])["tags"]


EDITS = [
    ("block list", "tags:\n- a\n- b\n", "tags:\n- a\n- b\n- activation-maxima\n"),
    ("indented list", "tags:\n    - a\nx: 1\n", "tags:\n    - a\n    - activation-maxima\nx: 1\n"),
    ("comment on the last tag", "tags:\n- a # c\n", "tags:\n- a # c\n- activation-maxima\n"),
    (
        "comment after the list",
        "tags:\n- a\n# end\nx: 1\n",
        "tags:\n- a\n- activation-maxima\n# end\nx: 1\n",
    ),
    ("flow list", "tags: [a, b]\n", "tags: [a, b, activation-maxima]\n"),
    ("flow list with a last comma", "tags: [a,]\n", "tags: [a, activation-maxima,]\n"),
    ("flow list over lines", "tags: [a,\n  b\n]\n", "tags: [a,\n  b, activation-maxima\n]\n"),
    ("empty flow list", "tags: []\n", "tags: [activation-maxima]\n"),
    ("one word", "tags: a\n", "tags: [a, activation-maxima]\n"),
    ("one quoted word", "tags: 'a: b' # c\n", "tags: ['a: b', activation-maxima] # c\n"),
    ("no value", "tags:\nx: 1\n", "tags:\n- activation-maxima\nx: 1\n"),
    ("no value, comment", "tags: # none\nx: 1\n", "tags: # none\n- activation-maxima\nx: 1\n"),
    ("no tags", "license: mit\n", "license: mit\ntags:\n- activation-maxima\n"),
    ("no tags, literal last", "x: |\n  a\n", "tags:\n- activation-maxima\nx: |\n  a\n"),
    (
        "no tags, literal last, comment after it",
        "x: |\n  a\n# end\n",
        "x: |\n  a\n# end\ntags:\n- activation-maxima\n",
    ),
    ("all indented", "  a: 1\n", "  a: 1\n  tags:\n  - activation-maxima\n"),
    ("empty", "", "tags:\n- activation-maxima\n"),
    ("a comment alone", "# nothing\n", "# nothing\ntags:\n- activation-maxima\n"),
    ("there already", "tags: [activation-maxima]\n", "tags: [activation-maxima]\n"),
    ("there already as a word", "tags: activation-maxima\n", "tags: activation-maxima\n"),
    (
        "emoji before",
        "e: \U0001f600\ntags:\n- é\n",
        "e: \U0001f600\ntags:\n- é\n- activation-maxima\n",
    ),
    ("not a number", "v: .nan\ntags:\n- a\n", "v: .nan\ntags:\n- a\n- activation-maxima\n"),
    ("Norwegian", "language: no\nv: 1.10\n", "language: no\nv: 1.10\ntags:\n- activation-maxima\n"),
]


@pytest.mark.parametrize(
    ("before", "after"), [row[1:] for row in EDITS], ids=[row[0] for row in EDITS]
)
def test_only_the_tag_is_inserted(before, after):
    text, advice = add_tag(f"---\n{before}---\nbody\n", "\n")
    assert text == f"---\n{after}---\nbody\n"
    assert advice is None
    assert TAG in tags_of(text)


LAST_TEXTS = [
    *(f"{style}{chomp}" for style in "|>" for chomp in ("", "-", "+")),
    *("|1", ">2-", "|+ # words"),
]
PLACES = [
    "x: {text}\n  a\n\n  b\n",
    "license: other\n# on access\nx: {text}\n    a\n    b\n\n\n",
    "y: 1\nx:\n- {text}\n  a\n",
    "  y: 1\n  x:\n    deep:\n      - k: {text}\n          a\n          b\n",
    "tags:\n- a\nx: {text}\n  a\n",
    "x: {text}\n  a\n\n  \n",
]


def readings(text):
    """What the Hub's client, its older releases and plain YAML read between the dashes."""
    body = find(text)
    body = text[body.start : body.end]
    last = re.sub(r"(\r\n|\r|\n)\Z", "", body)
    return [yaml.safe_load(each) for each in (body, last, body.rstrip("\r\n"))]


def test_no_text_gains_or_loses_a_line_end():
    for indicator, place, eol in itertools.product(LAST_TEXTS, PLACES, ["\n", "\r\n", "\r"]):
        readme = f"---\n{place.format(text=indicator)}---\nbody\n".replace("\n", eol)
        text, advice = add_tag(readme, eol)
        assert advice is None, readme
        for before, after in zip(readings(readme), readings(text), strict=True):
            tags = after.pop("tags")
            assert tags == [*before.pop("tags", []), TAG]
            assert after == before, readme


LEFT_ALONE = [
    ("malformed", "tags: [a\nlicense: mit\n", "not valid YAML"),
    ("tab", "a:\n\tb: 1\n", "not valid YAML"),
    ("impossible date", "date: 2024-99-99\n", "not valid YAML"),
    ("two documents", "a: 1\n...\nb: 2\n", "not valid YAML"),
    ("a list", "- a\n- b\n", "not a list of keys"),
    ("prose", "just words\n", "not a list of keys"),
    ("braces", "{a: 1}\n", "not a list of keys"),
    ("duplicate keys", "tags: [a]\nlicense: mit\ntags: [b]\n", "a key twice"),
    ("anchors", "a: &x [1]\ntags: *x\n", "anchors"),
    ("type tags", "a: !!python/name:os.system\n", "type tags"),
    ("depth", "a: " + "[" * 200 + "]" * 200 + "\n", "nested too deeply"),
    ("tags are a mapping", "tags: {a: b}\n", "neither a list nor a word"),
    ("tags are prose", "tags: |\n  a\n  b\n", "neither a list nor a word"),
    ("a tag over lines", "tags:\n- a\n- >\n  b\n", "several lines"),
    ("null spelled out", "tags: ~\n", "without touching"),
    ("a word that lists break", "tags: a, b\n", "without touching"),
]


@pytest.mark.parametrize(
    ("yaml_text", "reason"), [row[1:] for row in LEFT_ALONE], ids=[row[0] for row in LEFT_ALONE]
)
def test_what_cannot_be_edited_safely_is_left_alone_with_advice(yaml_text, reason):
    readme = f"---\n{yaml_text}---\nbody\n"
    text, advice = add_tag(readme, "\n")
    assert text == readme
    assert reason in advice
    assert advice.endswith("Add the tag activation-maxima there by hand.")


def test_a_readme_without_front_matter_gets_a_minimal_one():
    assert add_tag("# Title\n", "\n") == ("---\ntags:\n- activation-maxima\n---\n\n# Title\n", None)
    assert add_tag("", "\r\n") == ("---\r\ntags:\r\n- activation-maxima\r\n---\r\n", None)


@pytest.mark.parametrize(
    "readme", ["---\nIntroduction\n", "---\n\nsome words\n---\nmore\n", "--- \n", "---title\n"]
)
def test_a_horizontal_rule_on_the_first_line_is_not_taken_for_front_matter(readme):
    text, advice = add_tag(readme, "\n")
    assert text == readme
    assert "left alone" in advice
    assert body_start(readme) == 0


def test_blank_lines_and_trailing_spaces_around_the_fences_are_accepted():
    text, advice = add_tag("\n---  \na: 1\n--- \nbody", "\n")
    assert text == "\n---  \na: 1\ntags:\n- activation-maxima\n--- \nbody"
    assert advice is None


@pytest.mark.nightly
def test_a_megabyte_of_results_is_edited_in_seconds():
    rows = "".join(f"- name: result {number}\n  value: {number}\n" for number in range(12_000))
    text, advice = add_tag(f"---\nmodel-index:\n{rows}tags:\n- a\n---\n", "\n")
    assert advice is None
    assert text.endswith("- a\n- activation-maxima\n---\n")
