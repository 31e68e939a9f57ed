"""Worked algebra, calculus and proofs with true formulas.

Polynomials are lists of integer coefficients, the constant first. As in `math_numbers`, only exact
arithmetic.
"""

import math
from collections.abc import Sequence
from fractions import Fraction

from hubmaxact.corpus.probe_5k.grammar import Grammar

Number = int | Fraction


def polynomial(coefficients: Sequence[Number], x: str = "x") -> str:
    """Write a polynomial, highest power first."""
    text = ""
    for power in range(len(coefficients) - 1, -1, -1):
        c = coefficients[power]
        if c == 0:
            continue
        sign = " - " if c < 0 else " + "
        size = "" if abs(c) == 1 and power else str(abs(c))
        gap = " " if size and power and "/" in size else ""
        variable = "" if power == 0 else x if power == 1 else f"{x}^{power}"
        text += (sign if text else sign.strip().replace("+", "")) + size + gap + variable
    return text or "0"


def evaluate(coefficients: Sequence[Number], x: Number) -> Number:
    """Return the polynomial's value."""
    total: Number = 0
    for c in reversed(coefficients):
        total = total * x + c
    return total


def product(a: Sequence[int], b: Sequence[int]) -> list[int]:
    """Multiply two polynomials."""
    result = [0] * (len(a) + len(b) - 1)
    for i, c in enumerate(a):
        for j, d in enumerate(b):
            result[i + j] += c * d
    return result


def _coefficients(g: Grammar, degree: int, size: int) -> list[int]:
    head = g.draw.choice((-1, 1)) * g.draw.between(1, size)
    return [*(g.draw.between(-size, size) for _ in range(degree)), head]


def _tex(g: Grammar, formula: str) -> str:
    return g("tex_open") + formula + g("tex_close")


def quadratic(g: Grammar) -> str:
    """A quadratic equation with whole roots."""
    r, s, a = g.draw.between(-70, 70), g.draw.between(-70, 70), g.draw.between(1, 12)
    f = [a * r * s, -a * (r + s), a]
    d = f[1] ** 2 - 4 * f[0] * a
    return (
        f"{g('compute')} the roots of {_tex(g, polynomial(f) + ' = 0')}. The discriminant is "
        f"{_tex(g, f'({f[1]})^2 - 4 * {a} * ({f[0]}) = {d} = {math.isqrt(d)}^2')}, {g('so')} "
        f"x = ({-f[1]} + {math.isqrt(d)})/{2 * a} = {max(r, s)} or "
        f"x = ({-f[1]} - {math.isqrt(d)})/{2 * a} = {min(r, s)}. {g('check')} their sum is "
        f"{r + s} and their product {r * s}."
    )


def linear_system(g: Grammar) -> str:
    """Two equations with a whole solution, by elimination."""
    x, y = g.draw.between(-40, 40), g.draw.between(-40, 40)
    a, b, c, d = (g.draw.between(2, 25) for _ in range(4))
    p, q = a * x + b * y, c * x - d * y
    return (
        f"{g('let')} {_tex(g, f'{a}x + {b}y = {p}')} and {_tex(g, f'{c}x - {d}y = {q}')}. "
        f"Multiply by {d} and by {b} and add: {_tex(g, f'{a * d + b * c}x = {p * d + q * b}')}, "
        f"{g('so')} x = {x}. {g('step')} {b}y = {p} - {a} * ({x}) = {p - a * x}, y = {y}. "
        f"{g('comment')}"
    )


def expansion(g: Grammar) -> str:
    """A product of polynomials, checked at a point."""
    a, b = _coefficients(g, g.draw.between(1, 3), 9), _coefficients(g, g.draw.between(1, 2), 9)
    c, x = product(a, b), g.draw.between(-4, 5)
    return (
        f"Expand {_tex(g, f'({polynomial(a)})({polynomial(b)})')}: {_tex(g, polynomial(c))}. "
        f"{g('check')} at x = {x} the factors are {evaluate(a, x)} and {evaluate(b, x)}, the "
        f"product {evaluate(c, x)}."
    )


def derivative(g: Grammar) -> str:
    """A derivative, the tangent at a point, and the second derivative."""
    f = _coefficients(g, g.draw.between(3, 6), 12)
    slope = [power * c for power, c in enumerate(f)][1:]
    second = [power * c for power, c in enumerate(slope)][1:]
    x = g.draw.between(-3, 4)
    value, rise = evaluate(f, x), evaluate(slope, x)
    return (
        f"{g('let')} {_tex(g, 'f(x) = ' + polynomial(f))}. {g('step')} "
        f"{_tex(g, chr(39).join(('f', '(x) = ')) + polynomial(slope))} and f'' is "
        f"{_tex(g, polynomial(second))}. At x = {x}: f = {value}, slope {rise}; {g('so')} the "
        f"tangent is {_tex(g, f'y = {polynomial([value - rise * x, rise])}')}. {g('comment')}"
    )


def integral(g: Grammar) -> str:
    """A definite integral of a polynomial, as an exact fraction."""
    f = _coefficients(g, g.draw.between(2, 5), 20)
    low = g.draw.between(-3, 2)
    high = low + g.draw.between(1, 4)
    primitive = [Fraction(0), *(Fraction(c, power + 1) for power, c in enumerate(f))]
    top, bottom = evaluate(primitive, high), evaluate(primitive, low)
    sign = "\\int" if g("tex_open") else "integral"
    return (
        f"{g('compute')} {_tex(g, f'{sign}_{{{low}}}^{{{high}}} ({polynomial(f)}) dx')}. "
        f"A primitive is {_tex(g, f'F(x) = {polynomial(primitive)}')}; {g('so')} "
        f"F({high}) - F({low}) = {top} - ({bottom}) = {top - bottom}. {g('hint')}"
    )


def matrices(g: Grammar) -> str:
    """A matrix product and both determinants."""
    a, b = ([[g.draw.between(-15, 15) for _ in "xy"] for _ in "xy"] for _ in "ab")
    c = [[sum(a[i][k] * b[k][j] for k in (0, 1)) for j in (0, 1)] for i in (0, 1)]
    det = [m[0][0] * m[1][1] - m[0][1] * m[1][0] for m in (a, b, c)]
    return (
        f"{g('let')} A = {_matrix(g, a)}, B = {_matrix(g, b)}. {g('step')} AB = {_matrix(g, c)}, "
        f"with entry (1,1) = {a[0][0]} * {b[0][0]} + {a[0][1]} * {b[1][0]}. det A = {det[0]}, "
        f"det B = {det[1]}, det AB = {det[2]}; {g('check')} {det[0]} * ({det[1]}) = {det[2]}."
    )


def _matrix(g: Grammar, m: list[list[int]]) -> str:
    if g("tex_open"):
        rows = " \\\\ ".join(" & ".join(map(str, row)) for row in m)
        return _tex(g, f"\\begin{{pmatrix}} {rows} \\end{{pmatrix}}")
    return "[" + "; ".join(" ".join(map(str, row)) for row in m) + "]"


def induction(g: Grammar) -> str:
    """A sum of an arithmetic progression, proved by induction."""
    a, b = g.draw.between(1, 60), g.draw.between(-40, 70)
    n = g.draw.between(4, 60)
    closed = f"n({polynomial([a + 2 * b, a], 'n')})/2"
    shown = f"\\sum_{{k=1}}^n ({polynomial([b, a], 'k')}) = {closed}"
    total = n * (a * n + a + 2 * b) // 2
    return (
        f"Claim. {_tex(g, shown)} for every n >= 1. {g('solution')} For n = 1 both sides are "
        f"{a + b}. {g('assume')} for n; adding {_tex(g, polynomial([a + b, a], 'n'))} gives "
        f"{_tex(g, f'({polynomial([2 * a + 2 * b, 3 * a + 2 * b, a], chr(110))})/2')} = "
        f"{_tex(g, f'(n + 1)({polynomial([2 * a + 2 * b, a], chr(110))})/2')}, {g('done')}. "
        f"{g('check')} n = {n} gives {total}."
    )


def divisibility(g: Grammar) -> str:
    """A divisibility for all n, from the difference of two powers."""
    b, m = g.draw.between(2, 80), g.draw.between(3, 120)
    a = b + m
    n = g.draw.between(2, 5)
    return (
        f"Claim: {m} divides {_tex(g, f'{a}^n - {b}^n')} for all n. {g('solution')} Modulo {m} "
        f"both {a} and {b} leave {b % m}, {g('so')} the powers agree, {g('done')}. For n = {n}: "
        f"{a**n} - {b**n} = {a**n - b**n} = {m} * {(a**n - b**n) // m}. {g('comment')}"
    )


def limit(g: Grammar) -> str:
    """A limit with the index from which the terms stay close."""
    a, b, c, d = (g.draw.between(1, 60) for _ in range(4))
    epsilon = 10 ** g.draw.between(1, 5)
    gap = abs(b * c - a * d)
    index = max(1, -(-(gap * epsilon - c * d) // (c * c)) + 1) if gap else 1
    frac = f"({a}n + {b})/({c}n + {d})"
    return (
        f"{g('let')} {_tex(g, f'x_n = {frac}')}; its limit is {Fraction(a, c)}. The difference is "
        f"{gap}/({c}({c}n + {d})). {g('let')} epsilon = 1/{epsilon}: from n = {index} on "
        f"it is smaller, {g('so')} {_tex(g, f'|x_n - {Fraction(a, c)}| < 1/{epsilon}')}. "
        f"{g('comment')}"
    )


EXERCISES = (
    quadratic,
    linear_system,
    expansion,
    derivative,
    integral,
    matrices,
    induction,
    divisibility,
    limit,
)
