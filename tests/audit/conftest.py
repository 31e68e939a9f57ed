"""A measured model, for those who quantize it."""

import json

import pytest
from audit.measured import TEXTS
from command import DENSE

from hubmaxact import Options, write_report
from hubmaxact.measurement.run import measure_in_full
from hubmaxact.sidecars.own_folder import write_beside


@pytest.fixture(scope="session")
def measured(tmp_path_factory):
    """The report of a small model, bit for bit what its own forward pass gives."""
    return measured_with(None, tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="session")
def measured_eagerly(tmp_path_factory):
    """The same with the attention that llm-compressor calibrates with."""
    return measured_with("eager", tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="session")
def measured_file(tmp_path_factory):
    """The first of these reports as a file, with what lies beside it."""
    folder = tmp_path_factory.mktemp("measured")
    found, path = measured_in_full(None, folder), folder / "report.json"
    write_beside(path, found.sidecars)
    write_report(found.report, path)
    return path


def measured_with(attention, folder):
    return measured_in_full(attention, folder).report


def measured_in_full(attention, folder):
    path = folder / "texts.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    return measure_in_full(
        DENSE,
        Options(
            profile="deployment",
            attn_implementation=attention,
            corpus=str(path),
            calibration_samples=1,
            evaluation_samples=1,
            products="native",
        ),
    )
