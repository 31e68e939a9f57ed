"""What a format stores turned round, as rows."""

from hubmaxact.measurement.loops.compiled import Array, compiled

LINE = 64  # bytes of a line of the cache, which are written in one go


@compiled
def turn(stored: Array, first: int, out: Array) -> None:
    """Write columns of a matrix as rows.

    Args:
        stored: (words, rows).
        first: Column to begin with.
        out: Of the same dtype, (some rows, words).
    """
    step = LINE // out.itemsize
    for start in range(0, out.shape[1], step):
        stop = min(start + step, out.shape[1])
        for row in range(out.shape[0]):
            for word in range(start, stop):
                out[row, word] = stored[word, first + row]
