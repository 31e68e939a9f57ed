"""Short names that tell reports apart: the model's id, then its commit, then the file.

A label holds strangers' text: whoever shows it makes it safe first.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from hubmaxact.report.inputs import Input

COMMIT_DIGITS = 12  # of a commit that are shown
LONGEST_LABEL = 300  # characters of a label that are shown


def labels(inputs: Sequence[Input]) -> tuple[str, ...]:
    """Return one label for each report, no two alike, each as short as that allows."""
    ladders = [list(_ladder(each, position)) for position, each in enumerate(inputs, 1)]
    rungs = [0] * len(ladders)
    while True:
        chosen = [ladder[rung] for ladder, rung in zip(ladders, rungs, strict=True)]
        seen = Counter(chosen)
        twins = [n for n, label in enumerate(chosen) if seen[label] > 1]
        climbing = [n for n in twins if rungs[n] + 1 < len(ladders[n])]
        if not climbing:
            return tuple(chosen)
        for n in climbing:
            rungs[n] += 1


def _ladder(each: Input, position: int) -> Iterator[str]:
    """Names of one report, from the shortest to the one that no other report can have."""
    model = each.report["model"]
    origins = [each.file_name, each.file] if each.file is not None else []
    if model["id"] is None:
        yield from origins
        yield f"{each.file} (file {position})" if origins else f"report {position}"
        return
    yield model["id"]
    full = f"{model['id']}@{model['commit'][:COMMIT_DIGITS]}" if model["commit"] else model["id"]
    yield full
    yield from (f"{full} ({origin})" for origin in origins)
    yield f"{full} ({each.file}, file {position})" if origins else f"{full} (report {position})"
