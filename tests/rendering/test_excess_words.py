"""What exceeds a format is named role by role, and so is what keeps fp16 from overflowing."""

import copy

import deployed_reports
import example_reports

from hubmaxact.rendering import excess_words, section
from hubmaxact.report.excess import tell_excesses


def report(edit=lambda report: None):
    found = copy.deepcopy(deployed_reports.deployment_report(4))
    edit(found)
    tell_excesses(found)
    return found


def scaling(edit=lambda report: None):
    return excess_words.scaling(report(edit), str)


def far(role, layer):
    """Put a tensor of a role beyond fp16."""

    def edit(report):
        site = next(s for s in report["sites"] if (s["role"], s["layer"]) == (role, layer))
        site["abs_max"] = 131008.0

    return edit


def within(report):
    for site in report["sites"]:
        site["abs_max"] = min(site["abs_max"], 65504.0)


def test_roles_are_named_with_their_layers_and_how_far_they_go():
    said = list(excess_words.excesses(report(), str))
    assert [words.split(",")[0] for words in said] == ["float16", "float8_e4m3fn", "float8_e5m2"]
    assert said[0] == (
        "float16, unscaled, is exceeded by the hidden state of layers 1-2 (1.59 times), the MLP "
        "output of layer 1 (1.52 times), the MLP update of layers 1-2 (1.54 times)."
    )
    assert "the keys of layer 0 (1.34 times)" in said[1]


def test_an_infinity_has_no_factor():
    def infinite(report):
        report["kv"][3]["value"]["num_inf"] = 1

    said = next(excess_words.excesses(report(infinite), str))
    assert said.endswith("the values of layer 3 (infinity).")


def test_the_scaling_of_the_stream_and_what_it_does_not_help():
    assert scaling() == (
        "The residual stream stays within fp16 when it is scaled by 2^-1: the embedding and "
        "whatever is added to it by that, the epsilon of norms that read it by 2^-2. No scaling of "
        "it changes what else goes beyond: MLP output of layer 1 (model.layers.1.mlp)."
    )


def test_many_that_are_left_are_counted():
    def edit(report):
        for layer in range(4):
            far("mlp_gate", layer)(report)

    assert scaling(edit).endswith(
        "MLP gate of layer 0 (model.layers.0.mlp.gate_proj), MLP output of layer 1 "
        "(model.layers.1.mlp), MLP gate of layer 1 (model.layers.1.mlp.gate_proj), 2 more."
    )


def test_a_stream_within_fp16_needs_none():
    def edit(report):
        within(report)
        far("mlp_gate", 2)(report)

    assert scaling(edit).startswith("The residual stream stays within fp16 as it is. No scaling")
    assert scaling(within) is None


def test_a_stream_with_infinities_is_not_guessed_at():
    def edit(report):
        report["sites"][1]["num_inf"] = 1

    assert scaling(edit).endswith("is not known, for it held NaN or infinity.")


def test_profile_paper_says_nothing_of_it():
    paper = example_reports.huge_report()
    assert list(excess_words.excesses(paper, str)) == []
    assert excess_words.scaling(paper, str) is None
    assert "scaled by" not in section.render(paper)


def test_the_card_says_both():
    text = section.render(deployed_reports.deployment_report())
    assert "`float16`, unscaled, is exceeded by the hidden state of layer 1" in text
    assert "(`model.layers.1.mlp`)" in text.split("**Number formats**")[1].split("**")[0]
