"""A simulated run is another protocol, and all others stay what they were."""

import copy

import deployed_reports
import pytest

from comparison.releases import first_release, inputs
from hubmaxact.catalog.extract import row_of
from hubmaxact.comparison.build import compare_inputs
from hubmaxact.page.protocol_label import protocol_label
from hubmaxact.page.verdict import verdict
from hubmaxact.rendering import commands
from hubmaxact.report.comparability import DifferentProtocolsError, protocol_key

TOKEN = {"format": "int8", "granularity": "per_token", "policy": "dynamic", "maps": 56}
STATIC = {"format": "float8_e4m3fn", "granularity": "per_tensor", "policy": "stored", "maps": 7}
KEY = "d7cbf3d2b551cc8e"
"""Of the examples, as it was before any run could be simulated."""


def simulated(*rows):
    report = copy.deepcopy(first_release())
    report["protocol"]["simulated_activations"] = list(rows)
    return report


def test_the_key_of_a_report_that_is_not_simulated_stays_what_it_was():
    assert protocol_key(first_release()["protocol"]) == KEY
    assert protocol_key(deployed_reports.deployment_report(num_layers=2)["protocol"]) == KEY


def test_the_key_follows_the_ways_and_not_the_number_of_maps():
    plain, one = first_release(), simulated(TOKEN)
    keys = [
        protocol_key(each["protocol"])
        for each in (plain, one, simulated(STATIC), simulated(TOKEN, STATIC))
    ]
    assert len(set(keys)) == 4
    assert protocol_key(simulated(STATIC, {**TOKEN, "maps": 1})["protocol"]) == keys[-1]


def test_a_simulated_report_is_compared_with_others_only_when_asked():
    plain, one = first_release(), simulated(TOKEN)
    with pytest.raises(DifferentProtocolsError) as caught:
        compare_inputs(inputs(plain, one))
    assert "simulated_activations is null in " in str(caught.value)
    assert "and int8/per_token/dynamic in " in str(caught.value)
    assert not compare_inputs(inputs(plain, one), across_protocols=True).comparable
    assert compare_inputs(inputs(one, simulated({**TOKEN, "maps": 9}))).comparable


def test_the_page_and_the_command_say_so():
    words = "activations rounded as served, simulated"
    for report, is_said in ((first_release(), False), (simulated(TOKEN), True)):
        row = row_of(report, b"", key="a", name="a")
        assert (words in protocol_label(row)) == is_said
        assert (words in verdict(row)["words"]) == is_said
        assert ("--simulate-activations" in commands.reproduce(report)) == is_said
