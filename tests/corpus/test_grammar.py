import pytest

from hubmaxact.corpus.probe_5k import english
from hubmaxact.corpus.probe_5k.domains.code_programs import code_grammar
from hubmaxact.corpus.probe_5k.draw import Draw
from hubmaxact.corpus.probe_5k.grammar import Grammar, Pattern, article, parse, seed_rules
from hubmaxact.corpus.probe_5k.topics import english_grammar, topics

SEED = """
A line before the first section says what the file is.
[pet |]
cat | owl
dog
[line]
{^a pet} | and {3-5} more {pet}s\\n{x: 1} \\u00e9 100%
"""


def grammars():
    draw = Draw(1)
    yield english_grammar(draw, "web.txt")
    yield english_grammar(draw, "knowledge.txt")
    yield english_grammar(draw, "data.txt")
    math = english_grammar(draw, "math.txt")
    for number in "ABCDN":
        math.bind(number, "1")
    yield math
    yield code_grammar(draw)
    chinese = Grammar(seed_rules("chinese.txt"), draw)
    chinese.bind("hero", "x")
    chinese.bind("rival", "y")
    yield chinese
    yield Grammar(seed_rules("scripts.txt"), draw)


def slots(grammar):
    for items in grammar.rules.values():
        for item in items:
            if isinstance(item, Pattern):
                for slot in item.slots:
                    yield slot if isinstance(slot, str) else slot.rule


def test_every_slot_of_every_seed_file_names_a_rule():
    for grammar in grammars():
        missing = {slot for slot in slots(grammar) if slot} - set(grammar.rules)
        assert not missing


def test_no_rule_has_an_empty_item():
    for grammar in grammars():
        for rule, items in grammar.rules.items():
            assert items, rule
            assert "" not in items, rule


def test_the_notation():
    rules = parse(SEED)
    assert rules["pet"] == ("cat", "owl", "dog")
    lines = {Grammar(rules, Draw(seed))("line") for seed in range(600)}
    assert len(lines) == 27
    assert "An owl | and 3 more dogs\n{x: 1} \u00e9 100%" in lines


@pytest.mark.parametrize(
    ("noun", "expected"),
    [("owl", "an"), ("cat", "a"), ("hour", "an"), ("uniform", "a"), ("x-ray", "a"), ("Oulu", "an")],
)
def test_articles(noun, expected):
    assert article(noun) == expected


@pytest.mark.parametrize(
    ("form", "word", "expected"),
    [
        (english.plural, "church clock", "church clocks"),
        (english.plural, "bolt of linen", "bolts of linen"),
        (english.plural, "policy", "policies"),
        (english.plural, "crew", "crews"),
        (english.plural, "leaf", "leaves"),
        (english.plural, "boatman", "boatmen"),
        (english.plural, "salt marsh", "salt marshes"),
        (english.third, "catch the swarm", "catches the swarm"),
        (english.third, "carry", "carries"),
        (english.past, "carry", "carried"),
        (english.past, "stop the clock", "stopped the clock"),
        (english.past, "cross-examine the witness", "cross-examined the witness"),
        (english.past, "bind the quarto", "bound the quarto"),
        (english.gerund, "trim the jib", "trimming the jib"),
        (english.gerund, "dye", "dyeing"),
        (english.gerund, "free the whale", "freeing the whale"),
    ],
)
def test_english_forms(form, word, expected):
    assert form(word) == expected


def test_topics_have_all_their_lists():
    assert len(topics()) >= 39
    for topic in topics():
        counts = {rule: len(items) for rule, items in topic.rules.items()}
        assert counts["thing"] == counts["things"] >= 14, topic.name
        assert counts["acted"] == counts["act"] >= 8, topic.name
        assert counts["claim"] >= 8, topic.name


def test_small_choices_are_even():
    draw = Draw(7)
    counts = [0] * 10
    for _ in range(20_000):
        counts[draw.below(10)] += 1
    assert max(counts) - min(counts) < 300  # four standard deviations are 170


def test_a_sample_is_distinct_and_a_subset_keeps_to_its_size():
    draw = Draw(3)
    assert sorted(draw.sample(range(9), 9)) == list(range(9))
    assert len(set(draw.sample(range(100), 30))) == 30
    assert len(set(draw.subset(range(100), 70))) == 70
    assert draw.subset("abc", 5) == ["a", "b", "c"]
    assert {draw.between(2, 4) for _ in range(99)} == {2, 3, 4}
    assert all(0 <= draw.below(10**15) < 10**15 for _ in range(99))
