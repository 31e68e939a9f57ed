"""Worked arithmetic and number theory with true numbers.

Each function writes one exercise and its solution. Only integers and exact fractions are
computed, so that no platform's floating point can show.
"""

import math
from fractions import Fraction

from hubmaxact.corpus.probe_5k.grammar import Grammar

PRIMES = tuple(n for n in range(2, 500) if all(n % d for d in range(2, math.isqrt(n) + 1)))
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def multiplication(g: Grammar) -> str:
    """A long multiplication, one partial product a digit."""
    a, b = g.draw.between(123, 98765), g.draw.between(12, 9876)
    digits = [int(digit) for digit in reversed(str(b))]
    parts = [a * digit * 10**place for place, digit in enumerate(digits) if digit]
    lines = "\n".join(
        f"  {a} x {digit * 10**place} = {a * digit * 10**place}"
        for place, digit in enumerate(digits)
        if digit
    )
    total = " + ".join(map(str, parts))
    return f"{g('compute')} {a} x {b}. {g('hint')}\n{lines}\n{g('so')} {total} = {a * b}."


def long_division(g: Grammar) -> str:
    """A division digit by digit, with its remainder and check."""
    a, b = g.draw.between(10_000, 99_999_999), g.draw.between(7, 997)
    lines, rest = [], 0
    for digit in str(a):
        rest = rest * 10 + int(digit)
        if rest >= b:
            lines.append(f"  {rest} = {rest // b} * {b} + {rest % b}")
        rest %= b
    body = "\n".join(lines)
    return (
        f"{g('compute')} {a} : {b}\n{body}\nquotient {a // b}, remainder {a % b}\n"
        f"{g('check')} {a // b} * {b} + {a % b} = {a}"
    )


def euclid(g: Grammar) -> str:
    """The Euclidean algorithm, run backwards for the Bezout numbers."""
    factor = g.draw.between(1, 40)
    a, b = g.draw.between(200, 40_000) * factor, g.draw.between(30, 9_000) * factor
    lines, (r, s), (x, y), (u, v) = [], (a, b), (1, 0), (0, 1)
    while s:
        q = r // s
        lines.append(f"{r} = {q} * {s} + {r - q * s}")
        (r, s), (x, u), (y, v) = (s, r - q * s), (u, x - q * u), (v, y - q * v)
    steps = "; ".join(lines)
    return (
        f"{g('compute')} gcd({a}, {b}). {steps}. {g('so')} gcd = {r}. "
        f"{g('step')} {x} * {a} + ({y}) * {b} = {x * a + y * b}. {g('comment')}"
    )


def power_residue(g: Grammar) -> str:
    """A power modulo m by repeated squaring."""
    base, power, m = g.draw.between(2, 980), g.draw.between(20, 900), g.draw.between(101, 9_973)
    squares, value = [], base % m
    for place in range(power.bit_length()):
        squares.append(f"{base}^{1 << place} = {value}")
        value = value * value % m
    return (
        f"{g('compute')} {base}^{power} modulo {m}. In base two {power} is {power:b}. "
        f"{g('step')} modulo {m}: {', '.join(squares)}. {g('so')} {pow(base, power, m)}."
    )


def factorization(g: Grammar) -> str:
    """A number taken apart by trial division, with its divisors counted."""
    primes = sorted(
        g.draw.choice(PRIMES[: g.draw.choice((6, 20, 95))]) for _ in range(g.draw.between(3, 5))
    )
    n = rest = math.prod(primes)
    lines = []
    for prime in primes:
        lines.append(f"{rest} = {prime} * {rest // prime}")
        rest //= prime
    powers = {prime: primes.count(prime) for prime in primes}
    form = " * ".join(f"{p}^{e}" if e > 1 else str(p) for p, e in powers.items())
    divisors = math.prod(e + 1 for e in powers.values())
    phi = math.prod((p - 1) * p ** (e - 1) for p, e in powers.items())
    return (
        f"{g('compute')} the factors of {n}. {'; '.join(lines)}. {g('so')} {n} = {form}. "
        f"It has {divisors} divisors and phi({n}) = {phi}. {g('comment')}"
    )


def base_conversion(g: Grammar) -> str:
    """A number written in another base, remainder by remainder."""
    n, base = g.draw.between(300, 90_000_000), g.draw.between(2, 36)
    quotients, remainders, rest = [], [], n
    while rest:
        rest, remainder = divmod(rest, base)
        quotients.append(rest)
        remainders.append(remainder)
    digits = "".join(DIGITS[remainder] for remainder in reversed(remainders))
    return (
        f"{g('exercise')}: write {n} in base {base}. Quotients {', '.join(map(str, quotients))}; "
        f"remainders {' '.join(map(str, remainders))}; {g('so')} {digits}. {g('comment')}"
    )


def continued_fraction(g: Grammar) -> str:
    """A fraction's continued fraction and its convergents."""
    a, b = g.draw.between(50, 99_999), g.draw.between(20, 40_000)
    terms, r, s = [], a, b
    while s:
        terms.append(r // s)
        r, s = s, r % s
    convergents, (p, q), (u, v) = [], (1, 0), (0, 1)
    for term in terms:
        (p, u), (q, v) = (term * p + u, p), (term * q + v, q)
        convergents.append(f"{p}/{q}")
    return (
        f"{g('let')} x = {a}/{b}. {g('step')} x = [{terms[0]}; {', '.join(map(str, terms[1:]))}]. "
        f"The convergents are {', '.join(convergents)}. {g('hint')}"
    )


def congruence(g: Grammar) -> str:
    """Two congruences solved together."""
    m, n = g.draw.sample((*PRIMES[5:30], 16, 25, 27, 49, 121), 2)
    x = g.draw.below(m * n)
    inverse = pow(m, -1, n)
    return (
        f"{g('compute')} x with x = {x % m} mod {m} and x = {x % n} mod {n}. "
        f"{g('let')} x = {x % m} + {m}k. {g('step')} {m}k = {(x % n - x % m) % n} mod {n}; "
        f"since {m} * {inverse} = {m * inverse} = 1 mod {n}, "
        f"k = {(x % n - x % m) * inverse % n} mod {n} {g('so')} x = {x} mod {m * n}."
    )


def fractions_sum(g: Grammar) -> str:
    """A sum of fractions over a common denominator."""
    parts = [
        Fraction(g.draw.between(1, 60), g.draw.between(2, 48)) for _ in range(g.draw.between(3, 5))
    ]
    common = math.lcm(*(part.denominator for part in parts))
    over = " + ".join(f"{part.numerator * common // part.denominator}/{common}" for part in parts)
    return (
        f"{g('compute')} {' + '.join(map(str, parts))}. The common denominator is {common}; "
        f"{g('so')} {over} = {sum(parts, Fraction(0))}. {g('hint')}"
    )


def recurrence(g: Grammar) -> str:
    """A sequence defined by its two predecessors."""
    p, q = g.draw.between(1, 9), g.draw.choice((-5, -3, -2, -1, 1, 2, 3, 4, 6))
    terms = [g.draw.between(0, 90), g.draw.between(1, 120)]
    count = g.draw.between(6, 11)
    while len(terms) < count:
        terms.append(p * terms[-1] + q * terms[-2])
    listed = ", ".join(f"a_{k} = {term}" for k, term in enumerate(terms))
    return (
        f"{g('let')} a_0 = {terms[0]}, a_1 = {terms[1]}, a_(n+1) = {p} a_n {q:+d} a_(n-1). "
        f"{g('step')} {listed}. The sum of these {count} terms is {sum(terms)}. {g('hint')}"
    )


EXERCISES = (
    multiplication,
    long_division,
    euclid,
    power_residue,
    factorization,
    base_conversion,
    continued_fraction,
    congruence,
    fractions_sum,
    recurrence,
)
