"""What a format stores turned round, as rows."""

from hubmaxact.measurement.loops.compiled import Array, compiled

LINE = 16  # words of a row that are written in one go, which fill a line of the cache


@compiled
def turn(stored: Array, first: int, out: Array) -> None:
    """Write columns of a matrix as rows.

    Args:
        stored: (words, rows).
        first: Column to begin with.
        out: Of the same dtype, (some rows, words).
    """
    for start in range(0, out.shape[1], LINE):
        stop = min(start + LINE, out.shape[1])
        for row in range(out.shape[0]):
            for word in range(start, stop):
                out[row, word] = stored[word, first + row]
