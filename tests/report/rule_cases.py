"""One rule asked alone about the smallest report, or another, with some places changed."""

import copy

from invalid_report_files import SMALLEST

ROW = SMALLEST["quantization"]["formats"][2]
"""The row of M: hidden_state of layer 1 under max_abs."""

DROP = object()
"""Stands for a field left out."""


def said(rule, changes, base=SMALLEST):
    """What a rule says; a change is a path such as sites/3/min, and the value put there."""
    report = copy.deepcopy(base)
    for path, value in changes.items():
        *steps, last = (int(step) if step.isdigit() else step for step in path.split("/"))
        place = report
        for step in steps:
            place = place[step]
        if value is DROP:
            del place[last]
        elif isinstance(place, list) and last == len(place):
            place.append(value)
        else:
            place[last] = value
    return [str(problem) for problem in rule(report)]


def surprises(cases, base=SMALLEST):
    """The cases where a rule says something else than expected, with what it says."""
    return [
        (rule.__name__, changes, found)
        for rule, changes, expected in cases
        if (found := said(rule, changes, base)) != expected
    ]
