"""The domain `math`: worksheets, lecture notes, contests and solutions.

Each text takes some kinds of exercise from `math_numbers`, `math_algebra` and `math_word_problems`
and keeps to them; numbers and formulas are computed, the words around come from seeds/math.txt.
"""

from collections.abc import Callable, Iterator

from hubmaxact.corpus.probe_5k.domains import math_algebra, math_numbers, math_word_problems
from hubmaxact.corpus.probe_5k.draw import Draw
from hubmaxact.corpus.probe_5k.grammar import Grammar, capital
from hubmaxact.corpus.probe_5k.topics import english_grammar

Exercise = Callable[[Grammar], str]
MARKS = (("$", "$"), ("\\(", "\\)"), ("", ""), ("`", "`"), ("$$", "$$"))
ALL = (*math_numbers.EXERCISES, *math_algebra.EXERCISES, *math_word_problems.EXERCISES)


def _start(draw: Draw, marks: tuple[str, str]) -> Grammar:
    grammar = english_grammar(draw, "math.txt")
    grammar.bind("tex_open", marks[0])
    grammar.bind("tex_close", marks[1])
    for rule in ("so", "let", "compute", "check", "step", "solution", "exercise"):
        grammar.narrow(rule, 9)
    return grammar


def worksheet(draw: Draw) -> Iterator[str]:
    """Numbered exercises with solutions."""
    grammar = _start(draw, draw.choice(MARKS[2:4]))
    kinds = draw.sample(ALL, 8)
    label, number = grammar("exercise"), draw.between(1, 40)
    yield f"{grammar('section')}. {grammar('sent')}\n\n"
    while True:
        yield f"{label} {number}. {capital(draw.choice(kinds)(grammar))}\n\n"
        number += 1


def lecture(draw: Draw) -> Iterator[str]:
    """Notes in LaTeX, in sections."""
    grammar = _start(draw, draw.choice(MARKS[:2]))
    kinds = [*draw.sample(math_algebra.EXERCISES, 5), *draw.sample(math_numbers.EXERCISES, 2)]
    yield f"\\documentclass{{article}}\n\\title{{{grammar('section')}}}\n\\begin{{document}}\n"
    while True:
        yield f"\\section{{{grammar('section')}}}\n{grammar('sent')}\n\n"
        for _ in range(draw.between(2, 5)):
            name = draw.choice(("example", "proof", "lemma", "remark", "exercise"))
            body = capital(draw.choice(kinds)(grammar))
            yield f"\\begin{{{name}}}\n{body}\n\\end{{{name}}}\n\n"


def stories(draw: Draw) -> Iterator[str]:
    """Problems in words, with answers and talk about them."""
    grammar = _start(draw, MARKS[2])
    kinds = draw.sample(math_word_problems.EXERCISES, 6)
    while True:
        yield f"{capital(draw.choice(kinds)(grammar))}\n{grammar('sent')}\n\n"


def drill(draw: Draw) -> Iterator[str]:
    """Arithmetic, much of it, with little talk."""
    grammar = _start(draw, MARKS[2])
    kinds = draw.sample(math_numbers.EXERCISES, 5)
    while True:
        yield f"{grammar('section')}\n"
        for letter in "abcdef"[: draw.between(2, 6)]:
            yield f"{letter}) {draw.choice(kinds)(grammar)}\n"
        yield f"{grammar('comment')}\n\n"


WRITERS = (worksheet, lecture, stories, lecture, drill)
