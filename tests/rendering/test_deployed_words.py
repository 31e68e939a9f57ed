"""An FP8 cache without scales is a verdict on keys and values; nothing else is."""

import copy

import deployed_reports
import example_reports

from hubmaxact.rendering import commands, deployed_words, section

REPORT = deployed_reports.deployment_report()


def changed(edit):
    report = copy.deepcopy(REPORT)
    edit(report)
    return report


def kv(report):
    return deployed_words.kv_cache(report, str)


def test_keys_beyond_the_format_saturate_and_where_is_said():
    said = kv(REPORT)
    assert "keys reach 600 in model.layers.0.self_attn; values reach 3.5 in " in said
    assert "saturates at 448, which is exceeded in 1 of 2 attentions" in said


def test_within_the_format_no_more_is_said_than_what_was_measured():
    def smaller(report):
        for row in report["kv"]:
            row["key"]["abs_max"] = 448.0

    said = kv(changed(smaller))
    assert said.endswith("None exceeded 448, where an FP8 (E4M3) cache without scales saturates, "
                         "in 12,582,912 tokens")  # fmt: skip


def test_an_infinity_is_further_than_any_number():
    said = kv(changed(lambda report: report["kv"][1]["value"].update(num_inf=3)))
    assert "values reach infinity in model.layers.1.self_attn" in said


def test_latents_are_called_so():
    said = kv(changed(lambda report: [row.update(kind="latent") for row in report["kv"]]))
    assert said.startswith("latents reach 600 in ")
    assert "; rotary keys reach 3.5 in " in said


def test_a_model_without_a_cache_and_a_profile_that_does_not_look():
    none = changed(
        lambda report: (report.update(kv=[]), report["coverage"]["key"].update(expected=0))
    )
    assert kv(none) == "no layer hands keys or values to a cache"
    assert kv(changed(lambda report: report.update(kv=[]))) == "not seen"
    assert kv(example_reports.small_report()) is None
    assert deployed_words.linear_input(example_reports.small_report(), str) is None


def logits(edit):
    report = changed(lambda report: [edit(row) for row in report["kv"]])
    return deployed_words.attention_logit(report, str)


def test_a_bound_of_logits_is_not_told_as_a_value():
    bound = "at most about 112.5 in model.layers.0.self_attn, a bound by norms"
    assert deployed_words.attention_logit(REPORT, str) == bound
    exact = logits(lambda row: row["attention_logit"].update(kind="exact"))
    assert exact == "reach 112.5 in model.layers.0.self_attn, before caps and masks"


def test_what_is_not_known_of_logits_is_said():
    first = logits(lambda row: row["layer"] == 0 and row.update(attention_logit=None))
    assert first == (
        "at most about 56.25 in model.layers.1.self_attn, a bound by norms; not known of 1 of "
        "2 attentions"
    )
    odd = logits(lambda row: row["layer"] == 1 and row["attention_logit"].update(value=None))
    assert odd == "not finite in model.layers.1.self_attn"
    assert logits(lambda row: row.update(attention_logit=None)) is None
    assert deployed_words.attention_logit(example_reports.small_report(), str) is None


def test_the_largest_linear_input_is_named_with_its_place():
    said = deployed_words.linear_input(REPORT, str)
    assert said == ("28, 4 times its rms, read by model.layers.1.mlp.down_proj, channel 1; "
                    "token 0 (id 198) of text 7")  # fmt: skip


def test_a_section_has_both_folded_and_the_command_its_profile():
    text = section.render(REPORT)
    folded = text.split("<details>")[1]
    assert "- KV cache: Keys reach 600 in `model.layers.0.self_attn`;" in folded
    assert "- Largest linear input: 28, " in folded
    assert "- Attention logits: At most about 112.5 in `model.layers.0.self_attn`" in folded
    assert "Of keys and values it is one" in text
    assert "--profile deployment" in commands.reproduce(REPORT)
    assert "--profile paper" in commands.reproduce(example_reports.small_report())
