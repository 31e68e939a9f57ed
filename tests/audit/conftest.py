"""A measured model, for those who quantize it."""

import json

import pytest
from audit.measured import TEXTS
from command import DENSE

from hubmaxact import Options, measure


@pytest.fixture(scope="session")
def measured(tmp_path_factory):
    """The report of a small model, bit for bit what its own forward pass gives."""
    return measured_with(None, tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="session")
def measured_eagerly(tmp_path_factory):
    """The same with the attention that llm-compressor calibrates with."""
    return measured_with("eager", tmp_path_factory.mktemp("corpus"))


def measured_with(attention, folder):
    path = folder / "texts.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    return measure(
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
