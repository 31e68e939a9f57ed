"""Which protocols may be compared, and a refusal that names every difference."""

import copy

import deployed_reports
import example_reports
import pooled_reports
import pytest

from comparison.releases import first_release, inputs, second_release
from hubmaxact.comparison.build import compare_inputs
from hubmaxact.report.comparability import (
    FIELDS,
    DifferentProtocolsError,
    protocol_key,
    protocol_rows,
)

OTHER = {
    "profile": "deployment",
    "corpus.name": "paper",
    "corpus.version": "2",
    "corpus.kind": "natural",
    "corpus.digest": "sha256:" + "c" * 64,
    "corpus.num_samples": 4999,
    "corpus.num_tokens": 9_999_999,
    "corpus.domains": {"math": 5000},
    "max_seq_len": 2048,
    "special_tokens.policy": "none",
    "special_tokens.bos_added": True,
    "chat_template": "<|user|>",
    "dtype": "float16",
    "attn_implementation": "eager",
    "experts_implementation": "eager",
    "batch_tokens": 8192,
    "batch_plan_digest": "sha256:" + "d" * 64,
    "calibration_samples": 64,
    "evaluation_samples": 512,
    "counts_rounded_to": "bfloat16",
    "format_errors": "per_tensor",
    "simulated_activations": [
        {"format": "int8", "granularity": "per_token", "policy": "dynamic", "maps": 84}
    ],
}
VALUES = OTHER | {"simulated_activations": ["int8/per_token/dynamic"]}
"""As comparisons have them."""
DECISIVE = [field.name for field in FIELDS if field.decisive]
TOLD = [field.name for field in FIELDS if not field.decisive]


def leaves(node, path=""):
    for key, value in node.items():
        here = f"{path}.{key}" if path else key
        if isinstance(value, dict) and here != "corpus.domains":
            yield from leaves(value, here)
        else:
            yield here


def changed(*names):
    """The second release, measured otherwise in these fields."""
    report = copy.deepcopy(second_release())
    for name in names:
        *steps, last = name.split(".")
        node = report["protocol"]
        for step in steps:
            node = node[step]
        assert node.get(last) != OTHER[name]
        node[last] = OTHER[name]
    return report


def refusal(*reports):
    with pytest.raises(DifferentProtocolsError) as caught:
        compare_inputs(inputs(*reports))
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_the_table_has_every_field_of_a_protocol_and_no_other():
    always = list(leaves(first_release()["protocol"]))
    assert [field.name for field in FIELDS] == [
        *always, "format_errors", "simulated_activations",
    ]  # fmt: skip
    assert set(OTHER) == {field.name for field in FIELDS}


@pytest.mark.parametrize("name", DECISIVE)
def test_a_decisive_difference_is_refused_by_field_and_both_values(name):
    said = refusal(first_release(), changed(name))
    assert f"{name} is " in said
    if name not in ("corpus.domains", "simulated_activations"):
        assert f"{OTHER[name]} in example-org/Example-8B@" in said
    assert said.endswith("measure them alike, or compare them as they are with --across-protocols.")
    assert said.count("\n") == 0


@pytest.mark.parametrize("name", TOLD)
def test_what_follows_from_tokenizer_kernel_or_batch_is_told_and_not_refused(name):
    comparison = compare_inputs(inputs(first_release(), changed(name)))
    assert comparison.comparable
    assert [row.field for row in comparison.protocol if row.differs] == [name]


def test_every_difference_is_named_at_once():
    said = refusal(first_release(), changed(*OTHER))
    assert all(f"{name} is " in said for name in OTHER)
    decisive, also = said.split(" (and, no obstacle by itself: ")
    assert all(f"{name} is " in decisive for name in DECISIVE)
    assert all(f"{name} is " in also for name in TOLD)


def test_values_are_grouped_by_the_reports_that_have_them():
    reports = [example_reports.small_report(model={"id": f"org/{n}"}) for n in "xyz"]
    reports[2]["protocol"]["max_seq_len"] = 512
    assert "max_seq_len is 4096 in org/x, org/y and 512 in org/z" in refusal(*reports)


def test_differences_are_listed_when_comparing_across_protocols():
    comparison = compare_inputs(inputs(first_release(), changed(*OTHER)), across_protocols=True)
    assert not comparison.comparable
    assert {row.field: row.values[1] for row in comparison.protocol} == VALUES


def test_equal_domains_in_another_order_are_no_difference():
    report = second_release()
    domains = report["protocol"]["corpus"]["domains"]
    report["protocol"]["corpus"]["domains"] = dict(reversed(domains.items()))
    rows = protocol_rows([first_release()["protocol"], report["protocol"]])
    assert not any(row.differs for row in rows)


def test_the_environment_is_no_protocol():
    other = second_release(environment={"torch": "2.7.0", "device_name": "CPU"})
    assert compare_inputs(inputs(first_release(), other)).comparable


def test_a_hostile_corpus_name_cannot_steer_the_terminal():
    report = changed("corpus.digest")
    report["protocol"]["corpus"]["name"] = "\x1b[2J\u202eprobe" + "x" * 5000
    said = refusal(first_release(), report)
    assert said.isprintable()
    assert len(said) < 2000


def test_profiles_compare_on_what_both_hold_and_share_a_key():
    paper, deployed = example_reports.small_report(), deployed_reports.deployment_report()
    comparison = compare_inputs(inputs(paper, deployed))
    assert comparison.comparable
    assert [row.field for row in comparison.protocol if row.differs] == ["profile"]
    keys = {protocol_key(report["protocol"]) for report in (paper, deployed)}
    assert len(keys) == 1
    paper["protocol"]["max_seq_len"] = 512
    assert protocol_key(paper["protocol"]) not in keys


def test_errors_that_one_report_left_out_are_told_beside_their_empty_cells():
    whole = deployed_reports.deployment_report(rounded=True)
    comparison = compare_inputs(inputs(whole, pooled_reports.switched_off(whole)))
    assert comparison.comparable
    (row,) = [row for row in comparison.protocol if row.differs]
    assert (row.field, row.values) == ("format_errors", ("all", "per_tensor"))
    for rounding in comparison.rounding:
        known, other = rounding.cells
        assert known["sqnr_db"] is not None
        assert (other["sqnr_db"] is None) == (rounding.granularity != "per_tensor")
    earlier = deployed_reports.deployment_report()
    (row,) = [r for r in compare_inputs(inputs(earlier, whole)).protocol if r.differs]
    assert (row.field, row.values) == ("format_errors", (None, "all"))
    assert protocol_key(earlier["protocol"]) == protocol_key(whole["protocol"])
