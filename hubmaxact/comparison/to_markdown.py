"""A comparison as Markdown: safe to paste into an issue, a job summary or a card."""

from collections.abc import Iterator

from hubmaxact.comparison import (
    certainty_table,
    deployed_tables,
    sentences,
    tables,
    verdict_tables,
)
from hubmaxact.comparison.comparison import Comparison
from hubmaxact.comparison.table import Table
from hubmaxact.rendering.escape import code, text
from hubmaxact.rendering.markdown_table import table

HEADING = "## Activation maxima compared"


def render(comparison: Comparison) -> str:
    """Return the comparison, from its heading to its last newline; ASCII whatever the input."""
    return "\n\n".join([HEADING, *_parts(comparison)]) + "\n"


def _parts(comparison: Comparison) -> Iterator[str]:
    yield _legend(comparison)
    yield sentences.measured(comparison)
    yield from _block(tables.protocol(comparison, text))
    for each in comparison.changes:
        yield f"**From {each.before} to {each.after}**"
        yield sentences.changed(comparison, each, text)
        yield from _block(sentences.movers(each, text))
    yield from _block(verdict_tables.verdicts(comparison, code, text))
    yield from _block(tables.by_role(comparison))
    yield from _block(certainty_table.certainty(comparison, text))
    yield from _block(deployed_tables.kv(comparison))
    yield from _block(tables.dtype_headroom(comparison))
    yield from _block(deployed_tables.end_to_end(comparison))
    yield from _block(deployed_tables.rounding(comparison, text))
    yield from _block(tables.int8(comparison, text))
    layers = [part for each in tables.by_layer(comparison) for part in _block(each)]
    if layers:
        body = "\n\n".join(layers)
        yield f"<details>\n<summary>By layer</summary>\n\n{body}\n\n</details>"


def _legend(comparison: Comparison) -> str:
    rows = [
        (f"**{entry.column}**", code(entry.label), sentences.peak(entry, code))
        for entry in comparison.reports
    ]
    return table(("", "report", "largest activation, M"), rows)


def _block(content: Table | None) -> Iterator[str]:
    """Yield caption, table and note, each escaped where Markdown would read a sign."""
    if content is None:
        return
    yield f"**{_plain(content.caption)}**"
    rows = [tuple(map(_plain, row)) for row in content.rows]
    yield table(content.head, rows, numbers=range(1, len(content.head)) if content.numeric else ())
    if content.note:
        yield _plain(content.note)


def _plain(own: str) -> str:
    """Our own signs that Markdown reads: the bars of |x|, the star of a mark, the arXiv link."""
    return own.replace("|", "&#124;").replace("*", "&#42;").replace("arXiv:", "arXiv&#58;")
