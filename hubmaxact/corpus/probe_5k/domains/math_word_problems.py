"""Problems told in words, and counting, statistics and geometry, with computed answers.

As in `math_numbers`, only exact arithmetic.
"""

import math
from fractions import Fraction
from itertools import pairwise

from hubmaxact.corpus.probe_5k.grammar import Grammar


def _story(g: Grammar, kind: str, **numbers: int) -> str:
    for name, value in numbers.items():
        g.bind(name, str(value))
    return g(kind)


def rate(g: Grammar) -> str:
    """Two who work together."""
    a, b = g.draw.between(2, 240), g.draw.between(2, 240)
    return (
        f"{_story(g, 'story_rate', A=a, B=b)}\n{g('solution')} {g('together')} "
        f"1/{a} + 1/{b} = {Fraction(1, a) + Fraction(1, b)}, {g('so')} the whole takes "
        f"{Fraction(a * b, a + b)}. {g('hint')}"
    )


def price(g: Grammar) -> str:
    """Buying, selling and percentages."""
    a, b, c = g.draw.between(3, 90), g.draw.between(2, 400), g.draw.between(3, 60)
    profit = Fraction(a * b * c, 100)
    return (
        f"{_story(g, 'story_price', A=a, B=b, C=c)} {g('solution')} {a} * {b} = {a * b}; "
        f"{c} percent of it is {profit}, {g('so')} {a * b + profit} in all. {g('comment')}"
    )


def travel(g: Grammar) -> str:
    """A pursuit on one road."""
    a, b = g.draw.between(4, 90), g.draw.between(1, 12)
    c = a + g.draw.between(1, 40)
    time = Fraction(a * b, c - a)
    return (
        f"{_story(g, 'story_travel', A=a, B=b, C=c)} {g('ask_meet')}\n{g('solution')} "
        f"{a} * {b} = {a * b} km lie between them, less {c - a} km every hour, {g('so')} "
        f"{time} hours, {c} * {time} = {c * time} km from the start."
    )


def mixture(g: Grammar) -> str:
    """The price of a blend."""
    a, b, c, d = (g.draw.between(2, 45) for _ in range(4))
    total = a * b + c * d
    return (
        f"{_story(g, 'story_mix', A=a, B=b, C=c, D=d)} {g('solution')} {a} * {b} + {c} * {d} = "
        f"{total} for {a + c}, {g('so')} {Fraction(total, a + c)} each. {g('comment')}"
    )


def drawing(g: Grammar) -> str:
    """Drawing without replacement."""
    a, b, c = g.draw.between(4, 48), g.draw.between(3, 40), g.draw.between(2, 4)
    ways, good = math.comb(a + b, c), math.comb(a, c)
    return (
        f"{_story(g, 'story_pick', A=a, B=b, C=c, N=a + b)} {g('ask_odds')}\n"
        f"{g('solution')} C({a},{c}) = {good} of C({a + b},{c}) = {ways}, {g('so')} "
        f"{Fraction(good, ways)}; otherwise {1 - Fraction(good, ways)}. {g('hint')}"
    )


def share(g: Grammar) -> str:
    """A whole divided in a ratio."""
    parts = [g.draw.between(1, 12) for _ in range(3)]
    unit = g.draw.between(3, 400)
    names = dict(zip("BCD", parts, strict=True))
    shares = ", ".join(str(part * unit) for part in parts)
    return (
        f"{_story(g, 'story_share', A=sum(parts) * unit, **names)} {g('solution')} "
        f"{' + '.join(map(str, parts))} = {sum(parts)} parts of {unit}, {g('so')} {shares}. "
        f"{g('comment')}"
    )


def statistics(g: Grammar) -> str:
    """Mean, median and variance of a short list."""
    data = [g.draw.between(1, 99) for _ in range(g.draw.between(5, 13))]
    ordered, count = sorted(data), len(data)
    middle = Fraction(ordered[(count - 1) // 2] + ordered[count // 2], 2)
    mean = Fraction(sum(data), count)
    variance = sum((value - mean) ** 2 for value in data) / count
    return (
        f"{g('sent')} The {g('things')} counted were {', '.join(map(str, data))}. The mean is "
        f"{sum(data)}/{count} = {mean}; in order {' '.join(map(str, ordered))}, median {middle}; "
        f"the variance is {variance}."
    )


def triangle(g: Grammar) -> str:
    """A triangle's area and squared sides from its corners."""
    points = [(g.draw.between(-20, 20), g.draw.between(-20, 20)) for _ in "ABC"]
    (ax, ay), (bx, by), (cx, cy) = points
    double = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    sides = [(p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2 for p, q in pairwise(points)]
    listed = ", ".join(f"{name}({x}, {y})" for name, (x, y) in zip("ABC", points, strict=True))
    return (
        f"{g('let')} {listed}. {g('step')} twice the area is ({bx - ax})({cy - ay}) - "
        f"({cx - ax})({by - ay}) = {double}, {g('so')} the area is {Fraction(abs(double), 2)}. "
        f"AB^2 = {sides[0]}, BC^2 = {sides[1]}. {g('hint')}"
    )


def value_table(g: Grammar) -> str:
    """A table of a function's values."""
    a, b, m = g.draw.between(2, 19), g.draw.between(1, 40), g.draw.between(23, 211)
    start = g.draw.between(1, 60)
    rows = "\n".join(
        f"| {n} | {n * n} | {a * n + b} | {(a * n + b) % m} | {n * n % m} |"
        for n in range(start, start + g.draw.between(5, 12))
    )
    return (
        f"Table for {g('things')}, modulus {m}\n| n | n^2 | {a}n + {b} | mod {m} | n^2 mod {m} |\n"
        f"|---|---|---|---|---|\n{rows}\n{g('comment')}"
    )


EXERCISES = (rate, price, travel, mixture, drawing, share, statistics, triangle, value_table)
