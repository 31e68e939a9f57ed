"""The domains `chinese` and `minority_scripts`.

Chinese has genres of its own in seeds/chinese.txt; thirteen other scripts share a simple plan,
sentences of seeds/scripts.txt joined into paragraphs, one script a text.
"""

from collections.abc import Callable, Iterator

from hubmaxact.corpus.probe_5k.draw import Draw
from hubmaxact.corpus.probe_5k.grammar import Grammar, capital, seed_rules

Writer = Callable[[Draw], Iterator[str]]

SCRIPTS = ("ru", "ar", "hi", "ko", "th", "el", "ja", "bn", "he", "ka", "ta", "hy", "am")
"""Cyrillic, Arabic, Devanagari, Hangul, Thai, Greek, kana, Bengali, Hebrew, Georgian, Tamil,
Armenian, Ethiopic."""

ENDS = (".", "?", "।", "。", "\u0589", "።", ";", "؟", "”", "“", "»", '"', "」")
PARTS = ("when", "who", "where", "adj", "obj", "verb", "claim")
CHINESE_GENRES = ("story", "entry", "post", "news", "class")
CHINESE_HABITS = {
    "thing": 34,
    "adj": 20,
    "job": 18,
    "spot": 16,
    "place": 22,
    "given": 30,
    "sent": 26,
}


def script_writer(script: str) -> Writer:
    """Return the writer of one script."""

    def write(draw: Draw) -> Iterator[str]:
        grammar = Grammar(seed_rules("scripts.txt"), draw)
        rules = {part: f"{script}_{part}" for part in PARTS}
        for rule in rules.values():
            grammar.narrow(rule, max(8, len(grammar.rules[rule]) * 9 // 10))
        space = "" if script == "ja" else " "
        while True:
            for _ in range(draw.between(3, 8)):
                yield _closed(capital(grammar(f"{script}_s"))) + space
            yield "\n\n"

    return write


def _closed(sentence: str) -> str:
    return sentence if sentence.endswith(ENDS) else sentence + "."


def chinese_writer(genre: str) -> Writer:
    """Return the writer of a Chinese genre."""

    def write(draw: Draw) -> Iterator[str]:
        grammar = Grammar(seed_rules("chinese.txt"), draw)
        for rule, count in CHINESE_HABITS.items():
            grammar.narrow(rule, count)
        surname, given = grammar("surname"), grammar("given")
        grammar.bind("hero", surname + given, given, surname + given)
        grammar.bind("rival", grammar("surname") + grammar("given"))
        yield grammar(f"{genre}_open")
        while True:
            yield grammar(f"{genre}_block")

    return write


CHINESE_WRITERS = tuple(map(chinese_writer, CHINESE_GENRES))
WRITERS = tuple(map(script_writer, SCRIPTS))
