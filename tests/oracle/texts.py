"""Forty short texts in four domains, of very different lengths, some of them twice."""

import json
import random

ASCII = "the a river stone of and light 12 3.5 x = y + z; return def print('ok') value - -- ..."
OTHER = "\u00e9t\u00e9 na\u00efve \u4e2d\u6587 \u6578\u5b57 \u0440\u0435\u043a\u0430 \U0001f600"
WORDS = (*ASCII.split(), *OTHER.split(), "\n", "\t")
DOMAINS = ("math", "code", "web", "chinese")
LENGTHS = (1, 2, 30, 7, 7, 55, 3, 16, 9, 40, 1, 24, 5, 12, 70, 4, 18, 8, 2, 33)


def make(num_texts, seed=20):
    """Return rows of {text, domain}; every seventh text repeats an earlier one."""
    choice = random.Random(seed)
    rows = []
    for index in range(num_texts):
        if index % 7 == 6:
            rows.append(dict(rows[choice.randrange(index)]))
            continue
        words = choice.choices(WORDS, k=LENGTHS[index % len(LENGTHS)])
        rows.append({"text": " ".join(words), "domain": DOMAINS[index % len(DOMAINS)]})
    return rows


ROWS = make(40)


def write(path, rows):
    """Write rows as JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
