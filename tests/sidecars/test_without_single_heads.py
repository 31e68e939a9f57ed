"""A large report leaves the maxima of single heads out; channels are held to that of all heads."""

import pytest
from deployed_reports import deployment_report
from reports_with_channels import HEAD_CHANNELS, channels, write_with

from hubmaxact import read_report
from hubmaxact.report.source import find
from hubmaxact.sidecars.beside import SidecarError
from hubmaxact.sidecars.channels import read_channels


@pytest.fixture
def made(tmp_path):
    """A report without single heads, and the channels of the whole one."""

    def write(edit=lambda tensors: tensors):
        report = deployment_report(2)
        tensors = edit(channels(report))
        for row in report["kv"]:
            row["key"]["per_head"] = row["value"]["per_head"] = None
        for row in report["linear_inputs"]:
            row["block_max_quantiles"] = None
        path = write_with(tmp_path / "report.json", report, tensors)
        return read_report(path), read_channels(read_report(path), find(path))

    return write


@pytest.mark.parametrize("role", ["key", "value"])
def test_channels_by_head_are_read(made, role):
    report, found = made()
    row, whole = report["kv"][0], deployment_report(2)["kv"][0][role]["per_head"]
    heads = found.cached_abs_max(row, role)
    assert [max(head) for head in heads] == whole
    assert {len(head) for head in heads} == {HEAD_CHANNELS}


def test_channels_that_do_not_reach_the_largest_are_refused(made):
    def lowered(tensors):
        name = "model.layers.0.self_attn.key.abs_max"
        stored = tensors[name]
        return tensors | {name: stored._replace(values=[v / 2 for v in stored.values])}

    report, found = made(lowered)
    with pytest.raises(SidecarError, match="reaches 300, and the report says 600"):
        found.cached_abs_max(report["kv"][0], "key")
