"""The planning rule, read from the specification and written down a second time.

Calibration is the first samples, evaluation the next, the rest is rest. Inside consecutive windows
of 128 samples, never across a split: longest first, equal lengths in sample order, a batch is full
when one more sample would exceed the budget (tokens, padding included).
"""

from dataclasses import dataclass

WINDOW = 128


@dataclass(frozen=True)
class Batch:
    """Sample numbers that run together, and the split they belong to."""

    split: str
    samples: tuple

    def length(self, lengths):
        """Tokens per row, padding included."""
        return max(lengths[sample] for sample in self.samples)


def plan(lengths, *, calibration, evaluation, budget, pads=True):
    """Return every batch in running order."""
    total = len(lengths)
    edges = [0, min(calibration, total), min(calibration + evaluation, total), total]
    batches = []
    for split, start, stop in zip(
        ("calibration", "evaluation", "rest"), edges[:-1], edges[1:], strict=True
    ):
        for begin in range(start, stop, WINDOW):
            window = [s for s in range(begin, min(begin + WINDOW, stop)) if lengths[s] > 0]
            waiting = sorted(window, key=lambda sample: lengths[sample], reverse=True)
            while waiting:
                fits = max(1, budget // lengths[waiting[0]])
                if not pads:
                    alike = [s for s in waiting if lengths[s] == lengths[waiting[0]]]
                    fits = min(fits, len(alike))
                batches.append(Batch(split, tuple(waiting[:fits])))
                waiting = waiting[fits:]
    return batches
