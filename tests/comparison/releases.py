"""Pairs of reports for the tests of compare and check, and what they are read from."""

import hashlib

import example_reports

from hubmaxact.report.inputs import Input
from hubmaxact.report.write import report_bytes

OTHER_COMMIT = hashlib.sha1(b"second release").hexdigest()
OTHER_WEIGHTS = [{"path": "model.safetensors", "size": 16_381_470_720, "sha256": "ab" * 32}]


def first_release(**merges):
    """M is 7,968 from layer 6 on."""
    return example_reports.dense_report(12, 2560, **merges)


def second_release(peak=696_320.0, **merges):
    """The same model later, with other weights and a larger M."""
    model = {"commit": OTHER_COMMIT, "weight_files": OTHER_WEIGHTS} | merges.pop("model", {})
    return example_reports.dense_report(12, 2560, peak, model=model, **merges)


def inputs(*reports):
    """Reports as if read from a.json, b.json, ..."""
    return tuple(Input(f"{name}.json", report) for name, report in zip("abcdefgh", reports))  # noqa: B905 as many as there are


def written(folder, **reports):
    """Write reports as NAME.json; return their paths in order."""
    paths = []
    for name, report in reports.items():
        paths.append(folder / f"{name}.json")
        paths[-1].write_bytes(report_bytes(report))
    return paths
