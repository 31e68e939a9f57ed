"""What was done to a checkpoint is told where its maxima are, and of an ordinary one nothing."""

import io

import pytest
from example_reports import small_report
from rich.console import Console
from shipped_reports import COMMIT, SHIPPED, changed

from hubmaxact.rendering import checkpoint_words, commands, summary
from hubmaxact.rendering.terminal import show

TOLD = {
    "quantized": [
        (
            "Activations rounded as served, simulated: inputs of 10 linear maps to "
            "<float8_e4m3fn> in blocks of <128>, by scales of their own; inputs of 4 linear maps "
            "to <nvfp4> in blocks of <16>, by the scales that it ships"
        ),
        (
            "Weights: weights dequantized, activations in bf16; <compressed-tensors>: 10 weights "
            "as <scaled>, 4 weights as <nvfp4_divisor>, expanded in float32, rounded once; shipped "
            "scales of activations: 4 <input_global_scale>"
        ),
        "Not measured: layers for multi-token prediction (12 tensors: <model.layers.2>)",
    ],
    "adapter": [
        f"Adapter: LoRA adapter merged into <org/base> at <{COMMIT[:12]}>, in float32, rounded once"
    ],
    "encoder": [
        "Model: encoder (bidirectional): a token attends to all of its text; nothing was padded"
    ],
    "own_code": [
        (
            f"Own code: measured with the checkpoint's own code at "
            f"<{small_report()['model']['commit'][:12]}> (<modeling_own.py>)"
        )
    ],
}


def told(report):
    return [f"{head}: {said}" for head, said in checkpoint_words.facts(report, "<{}>".format)]


@pytest.mark.parametrize("kind", SHIPPED)
def test_what_was_done_is_told_in_card_and_terminal(kind):
    report, console = SHIPPED[kind](), Console(file=io.StringIO(), width=80)
    assert told(report) == TOLD[kind]
    head = TOLD[kind][0].partition(":")[0]
    assert f"- **{head}**: " in summary.render(report)
    show(report, console)
    assert f"{head}: " in console.file.getvalue()


@pytest.mark.parametrize("kind", SHIPPED)
def test_the_commands_let_own_code_run_where_it_ran(kind):
    report = SHIPPED[kind]()
    for command in (commands.reproduce(report), commands.verify(report)):
        assert ("--trust-remote-code" in command) == (kind == "own_code")


def test_of_an_ordinary_release_nothing_is_told():
    assert told(small_report()) == []


def test_a_base_without_an_id_and_many_places():
    base = {"id": None, "revision": None, "commit": None, "weight_files": []}
    aside = [{"what": "unused", "tensors": 5, "places": ["a", "b", "c", "d"]}]
    assert told(changed({"adapter_base": base, "left_aside": aside})) == [
        "Adapter: LoRA adapter merged into a model in a local folder, in float32, rounded once",
        "Not measured: what the architecture does not use (5 tensors: <a>, <b>, <c>, ...)",
    ]
