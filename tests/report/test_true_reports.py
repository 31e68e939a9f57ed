"""No rule refuses what a measurement can give, however odd it looks."""

import copy

import example_reports
import pytest

from hubmaxact.corpus import paper, probe_5k
from hubmaxact.corpus.load import NAMED
from hubmaxact.corpus.probe_5k.places import NUM_TEXTS
from hubmaxact.formats import INT8_POLICIES
from hubmaxact.measurement.options import PAPER, Options
from hubmaxact.report.consistency import contradictions
from hubmaxact.report.consistency.protocol import PROBE_TEXTS, PROBE_VERSION
from hubmaxact.report.document import NAMED_CORPORA, PROBE_5K

DENSE = example_reports.small_report()


def report(**merges):
    """The small report with some objects updated."""
    changed = copy.deepcopy(DENSE)
    for path, values in merges.items():
        place = changed
        for step in path.split("__"):
            place = place[step]
        place.update(values)
    return changed


def without_final_norm():
    """Some decoders put out the last layer's output as it is."""
    sites = [s for s in DENSE["sites"] if s["role"] != "final_norm"]
    return example_reports.assemble(copy.deepcopy(sites), num_layers=4, hidden_size=64)


def streams():
    """Four residual streams: each layer puts out four times as much, and many massive tokens."""
    changed = report()
    for site in changed["sites"]:
        if site["role"] == "hidden_state":
            site["count"] *= 4
    return changed


def shared_gate_beside_unseen_experts():
    """Two modules of one role in one layer, told apart by nothing but their names."""
    gate = next(s for s in DENSE["sites"] if s["role"] == "mlp_gate")
    place = {"role": "mlp_gate", "layer": gate["layer"], "part": None, "reason": "unseen"}
    missing = [place | {"module": f"model.layers.0.experts.{block}"} for block in ("a", "b")]
    sites = copy.deepcopy(DENSE["sites"])
    return example_reports.assemble(sites, num_layers=4, hidden_size=64, missing=missing)


def wide_residual_stream():
    """Mamba adds up its residual stream in float32 also when everything else runs in float16."""
    changed = example_reports.dense_report(6, 64, 696_320.0)
    changed["protocol"] |= {"dtype": "float16", "counts_rounded_to": "bfloat16"}
    for site in changed["sites"]:
        for value in site["top"]:
            value["channel"] %= 64
    peak = changed["global_max"]
    for place in (peak, *peak["carriers"]):
        place["channel"] %= 64
    return changed


def silent_texts():
    """A tokenizer without byte fallback makes no token of a script it does not know."""
    return report(
        domains={"chinese": None, "minority_scripts": None},
        protocol__corpus={"num_tokens": example_reports.NUM_TOKENS},
    )


ODD = {
    "without_final_norm": without_final_norm,
    "no_count_of_active_parameters": lambda: report(model={"num_active_parameters": None}),
    "streams": streams,
    "two_missing_modules": shared_gate_beside_unseen_experts,
    "float32_stream_in_a_float16_run": wide_residual_stream,
    "texts_without_tokens": silent_texts,
    "newer_probe": lambda: report(protocol__corpus={"version": "2"}),
    "local_folder_with_a_name": lambda: report(model={"commit": None, "revision": None}),
    "bf16_run_with_float32_routers": lambda: report(protocol={"counts_rounded_to": "bfloat16"}),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_measurement_contradicts_nothing(name):
    odd = ODD[name]()
    assert odd != DENSE
    assert list(contradictions(odd)) == []


def test_the_rules_know_the_corpora_by_their_own_names():
    assert (PROBE_5K, PROBE_TEXTS) == (probe_5k.NAME, NUM_TEXTS)
    assert PROBE_VERSION.fullmatch(probe_5k.VERSION)
    assert set(NAMED_CORPORA) == set(NAMED) == {probe_5k.NAME, paper.NAME}
    assert [Options().corpus, PAPER["corpus"]] == list(NAMED_CORPORA)
    assert NAMED_CORPORA[probe_5k.NAME] == probe_5k.load(1).kind


def test_the_rules_know_the_writers_policies():
    from hubmaxact.measurement.statistics.int8_error import POLICIES

    assert tuple(POLICIES) == INT8_POLICIES
