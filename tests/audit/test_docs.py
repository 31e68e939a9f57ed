"""docs/audit.md says what each number stands for and what each verdict means, from the tables."""

import dataclasses
import re
import typing

from hubmaxact.scales.caches import CACHE_NAMES
from hubmaxact.scales.linear_inputs import INPUTS
from hubmaxact.shipped_scales.audit import Audit
from hubmaxact.shipped_scales.other_inputs import ALGORITHMS, MODIFIERS
from hubmaxact.shipped_scales.row import Row
from hubmaxact.shipped_scales.verdicts import VERDICTS

HEADER = """# audit

A quantized checkpoint with static scales ships, for each linear input and for the cache, the
largest magnitude that its kernels can hold. `hubmaxact audit` holds every one of these numbers
against what was measured on the model that it was quantized from:

```sh
hubmaxact measure alice/model --output report.json
hubmaxact audit report.json alice/model-FP8
```

Of the quantized checkpoint, a folder or a repository on the Hub, the headers and the scales are
read and no weights. Exit 0 when every number reaches; 1 when one fails, which `--tolerance 0.02`
allows to those exceeded by 2 % at most, or when the report is not valid; 2 when the two cannot be
held against each other: another profile, another size, weights that are not quantized, scales of
which not one is of a tensor that the report knows (by the names of its modules).

A ratio means something as far as the texts do: over other texts a calibration saw other maxima.
Over the same texts, another attention implementation alone moved one maximum by 1.3 %.

## What a number stands for

The first row that fits holds.

| tensor | where | stands for | format |
| --- | --- | --- | --- |
"""
CACHE = """
Of keys and values (`{names}`): 448 times the number, as FP8; where the configuration says INT8,
127 times, or 127.5 times if compressed-tensors wrote it. A cache in another format is not judged.
Where the cache is declared FP8 and no scale is there, engines take 1.0, and so does the audit. Of
a latent cache the keys' scale serves the latent and the rotary key.

Experts of one layer share a kernel, which takes the largest of their scales: each is judged by
that, `in_kernel`, and what it stands for by itself is `representable`.

## Verdicts

| verdict | means | fails |
| --- | --- | --- |
"""
OTHERS = """
Observers other than `static_minmax` (`minmax`, a moving average; `mse`; `imatrix_mse`) choose
less than the maximum. Where a configuration of compressed-tensors names none, a moving average was
taken by default: what saturates there fails, and says so. What was chosen below the maximum on
purpose is not held to `--tolerance`: `clipped_share` says what it costs.

A number that is promised and missing is named and fails nothing by itself: which one an engine
takes for an input then no report tells (vLLM goes on with float32's least number or NaN). Of a
cache it is 1.0, which fails where that saturates.

FP8 keeps its precision far below the largest code, so that range which is not used costs little
there; in INT8 each halving is a bit. `clipped_share` bounds the share of values beyond the number
by the report's quantiles.

The input of a map with a `pre_quant_scale` is compared channel by channel: the largest of every
channel's |x| times its own. That takes `channels.safetensors`, which `measure` writes into the
folder beside the report; without it such a map is not comparable.

Not comparable either, because the scales are of other tensors than the base model's: what a recipe
of llm-compressor changed ({modifiers}), maps of Model-Optimizer's schemes that
smooth ({algorithms}) whose
`pre_quant_scale` went into another weight, and whatever stands under `transform_config`.

## `audit --format json`

The fields, in order; `audit_version` changes when one does.

"""


def convention(row):
    where = []
    if row.algorithms:
        where.append(f"Model-Optimizer's {', '.join(sorted(row.algorithms))}")
    if row.beside:
        where.append(f"`{row.beside}` beside it")
    if row.weights:
        where.append(f"weights in {', '.join(sorted(row.weights))}")
    if row.inputs:
        where.append(f"inputs declared {row.inputs[1]} of {row.inputs[0]} bits")
    if row.methods:
        where.append(f"by {', '.join(sorted(row.methods))}")
    largest = f"{row.number_format.largest:g}"
    meaning = f"{largest} / number" if row.divisor else f"{largest} x number"
    names = ", ".join(f"`{name}`" for name in sorted(row.names))
    return f"| {names} | {', '.join(where)} | {meaning} | {row.number_format.title} |\n"


def fields(kind):
    """Name and meaning of each field, from the docstring's Attributes."""
    section = kind.__doc__.split("Attributes:\n")[1]
    said = re.findall(r"^ {8}(\w+): (.*(?:\n {12}.*)*)", section, re.MULTILINE)
    words = {name: " ".join(meaning.split()) for name, meaning in said}
    assert list(words) == [field.name for field in dataclasses.fields(kind)]
    hints = typing.get_type_hints(kind)
    lines = [f"- `{name}` ({told(hints[name])}): {words[name]}\n" for name in words]
    return f"**{kind.__name__}.** {kind.__doc__.splitlines()[0]}\n\n{''.join(lines)}\n"


def told(hint):
    if typing.get_origin(hint) is tuple:
        return f"array[{typing.get_args(hint)[0].__name__}]"
    if arguments := typing.get_args(hint):
        return " | ".join("null" if a is type(None) else told(a) for a in arguments)
    return hint.__name__


def test_the_page_is_what_the_tables_say(docs_file):
    names = sorted({end[1:] for end, _ in CACHE_NAMES})
    verdicts = (f"| `{v.name}` | {v.meaning} | {'yes' if v.fails else ''} |\n" for v in VERDICTS)
    others = OTHERS.format(modifiers=", ".join(MODIFIERS), algorithms=", ".join(ALGORITHMS))
    page = HEADER + "".join(map(convention, INPUTS)) + CACHE.format(names="`, `".join(names))
    page += "".join(verdicts) + others + fields(Audit) + fields(Row)
    docs_file("audit.md", page.rstrip() + "\n")
