"""What an English text is about: one topic's words in all their forms, and its own people.

Knows the lists in seeds/topics.txt; knows no genre.
"""

from dataclasses import dataclass
from functools import cache

from hubmaxact.corpus.probe_5k import english
from hubmaxact.corpus.probe_5k.draw import Draw
from hubmaxact.corpus.probe_5k.grammar import Grammar, Item, compile_item, read_seed, seed_rules

ORGANIZATIONS = (
    "{0} Institute", "the University of {0}", "the {0} Society", "{0} Museum", "the {0} Review",
    "the {0} Trust", "{1} & {2}", "{1} Brothers", "the {0} Board", "{1} College", "the {0} Office",
    "{1} Works", "the {0} Gazette", "{1} Foundation", "the {0} Guild", "the {1} Company",
)  # fmt: skip
KEPT_WORDS = {
    "mood": 60,
    "manner": 34,
    "thing2": 36,
    "stuff": 20,
    "link": 26,
    "town": 40,
    "sent": 48,
}
"""How many of the common words one text uses: writers have habits."""
KEPT_VERBS = 60
MORE = {"act": 10, "acts": 8, "acted": 10, "acting": 8, "claim": 14, "quality": 8}
"""How many general phrases join the topic's own under a rule."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One subject: its name and its rules."""

    name: str
    rules: dict[str, tuple[Item, ...]]


@cache
def topics() -> tuple[Topic, ...]:
    """Return every topic of the seed file, in its order."""
    blocks = ("\n" + read_seed("topics.txt")).split("\n@ ")[1:]
    return tuple(_topic(block) for block in blocks)


def _topic(block: str) -> Topic:
    name, *lines = block.strip("\n").split("\n")
    lists = {}
    for line in lines:
        label, _, items = line.partition(": ")
        lists[label] = [item.strip() for item in items.split(" | ")]
    forms = {
        "thing": lists["things"],
        "things": [english.plural(thing) for thing in lists["things"]],
        "role": lists["roles"],
        "roles": [english.plural(role) for role in lists["roles"]],
        "act": lists["acts"],
        "acts": [english.third(act) for act in lists["acts"]],
        "acted": [english.past(act) for act in lists["acts"]],
        "acting": [english.gerund(act) for act in lists["acts"]],
        "quality": lists["qualities"],
        "claim": lists["claims"],
        "figure": lists["figures"],
        "spot": lists["spots"],
    }
    rules = {rule: tuple(map(compile_item, items)) for rule, items in forms.items()}
    return Topic(name, rules | {"topic": (name,)})


def english_grammar(draw: Draw, *seeds: str) -> Grammar:
    """Return a grammar for one text: a topic, a neighbouring one, habits, and a small cast."""
    topic, other = draw.sample(topics(), 2)
    grammar = Grammar(seed_rules("english.txt", *seeds), draw)
    for rule, items in topic.rules.items():
        # One in five words comes from elsewhere, as in real texts.
        grammar.rules[rule] = (*items, *draw.sample(other.rules[rule], len(items) // 4))
    _general_phrases(grammar)
    grammar.bind("topic", topic.name)
    for rule, count in KEPT_WORDS.items():
        grammar.narrow(rule, count)
    _cast(grammar)
    return grammar


def _general_phrases(grammar: Grammar) -> None:
    verbs = grammar.draw.subset([str(verb) for verb in grammar.rules["verbs"]], KEPT_VERBS)
    grammar.bind("v", *verbs)
    grammar.bind("vs", *map(english.third, verbs))
    grammar.bind("ved", *map(english.past, verbs))
    grammar.bind("ving", *map(english.gerund, verbs))
    for rule, count in MORE.items():
        more = grammar.draw.subset(grammar.rules[f"more_{rule}"], count)
        grammar.rules[rule] = (*grammar.rules[rule], *more)


def _cast(grammar: Grammar) -> None:
    first, last = grammar("first"), grammar("last")
    grammar.bind("hero_first", first)
    grammar.bind("hero_last", last)
    grammar.bind("hero", f"{first} {last}", last, first)
    grammar.bind("rival", f"{grammar('first')} {grammar('last')}")
    grammar.bind("friend", grammar("first"))
    grammar.bind("city", grammar("town"))
    pattern = grammar.draw.choice(ORGANIZATIONS)
    grammar.bind("org", pattern.format(grammar("town"), grammar("last"), grammar("last")))
