"""English word forms by rule, with the exceptions our own word lists need.

Knows endings, not meanings.
"""

from functools import cache

from hubmaxact.corpus.probe_5k.grammar import read_seed, sections

VOWELS = frozenset("aeiou")


@cache
def _forms(kind: str) -> dict[str, str]:
    """Return the exceptions of one kind, from seeds/english_forms.txt."""
    lists = dict(sections(read_seed("english_forms.txt")))
    return {word: form for word, _, form in (item.partition(" ") for item in lists[kind])}


@cache
def plural(noun: str) -> str:
    """Return a noun phrase in the plural; its last word, or the one before "of", changes."""
    head, joint, tail = noun.partition(" of ")
    *before, last = head.split(" ")
    return " ".join([*before, _plural_word(last)]) + joint + tail


def _plural_word(word: str) -> str:
    if irregular := _forms("plurals").get(word):
        return irregular
    if word.endswith("man") and word != "human":
        return word[:-3] + "men"
    return _with_s(word)


def _with_s(word: str) -> str:
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2] not in VOWELS:
        return word[:-1] + "ies"
    return word + "s"


@cache
def third(act: str) -> str:
    """Return a verb phrase as he or she does it: "cut the net" gives "cuts the net"."""
    verb, _, rest = act.partition(" ")
    form = verb[0:-1] + "ies" if verb.endswith("y") and verb[-2] not in VOWELS else _with_s(verb)
    return f"{form} {rest}".rstrip()


@cache
def past(act: str) -> str:
    """Return a verb phrase as somebody did it."""
    verb, _, rest = act.partition(" ")
    form = _forms("pasts").get(verb) or _past_word(verb)
    return f"{form} {rest}".rstrip()


def _past_word(verb: str) -> str:
    if "-" in verb:
        head, _, tail = verb.rpartition("-")
        return f"{head}-{_past_word(tail)}"
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2] not in VOWELS:
        return verb[:-1] + "ied"
    return (verb + verb[-1] if verb in _forms("doubling") else verb) + "ed"


@cache
def gerund(act: str) -> str:
    """Return a verb phrase as a thing being done."""
    verb, _, rest = act.partition(" ")
    if verb.endswith("e") and not verb.endswith(("ee", "ye", "oe")):
        verb = verb[:-1]
    elif verb in _forms("doubling"):
        verb += verb[-1]
    return f"{verb}ing {rest}".rstrip()
