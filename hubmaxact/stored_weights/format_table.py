"""The tables of docs/quantized.md, from the table of storages and from what reads declarations.

`python -m hubmaxact.stored_weights.format_table` prints them; with a file name they are put between
that file's markers.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from hubmaxact.files import between_markers
from hubmaxact.scales.caches import CACHE_NAMES
from hubmaxact.scales.linear_inputs import INPUT_NAMES
from hubmaxact.scales.names import BESIDE
from hubmaxact.stored_weights.by_compressed_tensors import FORMATS, METHOD
from hubmaxact.stored_weights.by_modelopt import ALGORITHMS
from hubmaxact.stored_weights.declared import declared
from hubmaxact.stored_weights.storage import Storage
from hubmaxact.stored_weights.table import STORAGES

BEGIN = (
    "<!-- formats: begin, written by "
    "`python -m hubmaxact.stored_weights.format_table docs/quantized.md` -->"
)
END = "<!-- formats: end -->"

WEIGHTS = {
    "scaled": "(code - zero point) x scale",
    "packed_int": "(code - 2^(bits - 1) - zero point) x scale; a group index may reorder columns",
    "nvfp4": "FP4 code x (scale of 16 columns, divided or multiplied by the second scale)",
    "mxfp4": "FP4 code x 2^(byte - 127) of 32 columns",
    "mxfp4_experts": "FP4 code x 2^(byte - 127) of 32 columns, then transposed",
    "gptq": "(code - zero point) x scale, transposed; zero points are one more than stored until "
    "`gptq_v2`",
    "awq": "(code - zero point) x scale, transposed; columns of a word interleaved",
    "bitsandbytes_4bit": "table[code] x scale of a block; scales may be quantized themselves",
    "bitsandbytes_8bit": "code x scale of the row / 127",
}
"""What a formula computes, in float32, by its name."""


class Example(NamedTuple):
    """The least that declares a way of storing, and how documents call it."""

    method: str
    said: dict[str, Any]
    form: str = ""


def _example(method: str, form: str = "", **said: Any) -> Example:
    return Example(method, {"quant_method": method, **said}, form)


def _compressed(form: str) -> Example:
    kind, bits = next(iter(FORMATS[form].bits.items()))
    group = {"weights": {"type": kind, "num_bits": bits[-1]}}
    return _example(METHOD, form, format=form, config_groups={"group_0": group})


EXAMPLES = (
    _example("fp8"),
    _example("mxfp8"),
    _example("fbgemm_fp8"),
    *map(_compressed, FORMATS),
    *(_example("modelopt", name, quant_algo=name) for name in ALGORITHMS),
    _example("gptq", bits=4),
    _example("awq", bits=4),
    _example("bitsandbytes", "load_in_4bit", load_in_4bit=True),
    _example("bitsandbytes", "load_in_8bit", load_in_8bit=True),
    _example("mxfp4"),
)
"""One for each method and format that is read."""


def table() -> str:
    """Return the table: one row for each way of storing, and the names of what is set aside."""
    rows = [
        "| storage | declared as | tensors | codes | weight |",
        "| --- | --- | --- | --- | --- |",
    ]
    inputs = ", ".join(f"`{name}`" for name in sorted({*INPUT_NAMES, *BESIDE}))
    caches = ", ".join(f"`{end[1:]}`" for end, _ in sorted(CACHE_NAMES))
    aside = f"Set aside by name, of linear inputs: {inputs}; of caches and queries: {caches}."
    return "\n".join([*rows, *map(_row, STORAGES), "", aside])


def _row(storage: Storage) -> str:
    codes = ", ".join(sorted(storage.codes))
    cells = (
        f"`{storage.name}`: {storage.title}",
        "; ".join(_declared_as(storage)),
        ", ".join(_tensors(storage)),
        codes,
        WEIGHTS[storage.formula],
    )
    return f"| {' | '.join(cells)} |"


def _declared_as(storage: Storage) -> Iterator[str]:
    """Methods, each with those of its formats that are stored so."""
    found = [each for each in EXAMPLES if storage in declared(each.said).storages]
    for method in dict.fromkeys(each.method for each in found):
        formats = [f"`{each.form}`" for each in found if each.method == method and each.form]
        yield f"`{method}`" + (f" ({', '.join(formats)})" if formats else "")


def _tensors(storage: Storage) -> Iterator[str]:
    """Names of each part, those that may be absent in brackets."""
    for part in dict.fromkeys(storage.suffixes.values()):
        names = " or ".join(f"`{name}`" for name, of in storage.suffixes.items() if of == part)
        yield names if part in storage.required else f"({names})"


def splice(document: str) -> str:
    """Put the table between the markers of a document."""
    return between_markers(document, BEGIN, END, table())


if __name__ == "__main__":
    if sys.argv[1:]:
        target = Path(sys.argv[1])
        target.write_text(splice(target.read_text("utf-8")), "utf-8", newline="\n")
    else:
        sys.stdout.write(table() + "\n")
