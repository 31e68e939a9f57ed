"""A document as JSON, laid out as a report is: equal documents give equal bytes."""

from hubmaxact.report.json_layout import layout


def text_of(document: dict[str, object]) -> bytes:
    """Return the document's bytes, in its own order, a newline at the end.

    Args:
        document: Of finite numbers.

    Returns:
        ASCII.
    """
    return f"{layout(document)}\n".encode("ascii")
