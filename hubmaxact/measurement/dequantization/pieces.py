"""Cutting the rows of a matrix, for threads to share or for a cache to hold."""

from collections.abc import Iterator

ROWS_OF_A_WORD = 8  # what one format keeps in a row of words is not cut


def pieces(rows: int, columns: int, size: int) -> Iterator[slice]:
    """Cut rows into pieces.

    Args:
        rows: How many there are.
        columns: Numbers in a row.
        size: Numbers in a piece, about.

    Yields:
        Rows of a piece, a multiple of eight but for the last one.
    """
    step = max(1, size // max(1, columns) // ROWS_OF_A_WORD) * ROWS_OF_A_WORD
    for start in range(0, rows, step):
        yield slice(start, min(rows, start + step))
