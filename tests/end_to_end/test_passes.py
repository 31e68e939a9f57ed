"""Losses with rounding applied equal those of plain hooks and whole logits."""

import math

import pytest
import torch

from end_to_end import directly
from hubmaxact.measurement.assembly.end_to_end import end_to_end
from hubmaxact.measurement.end_to_end import compared, passes
from hubmaxact.measurement.rounding.tensors import Rounded, as_bf16

CASES = {
    "linear_inputs:int8/per_token": (directly.LinearInputs, directly.int8_token),
    "linear_inputs:int8/per_tensor": (directly.LinearInputs, None),
    "kv:float8_e4m3fn/unscaled": (directly.Cached, directly.e4m3_unscaled),
    "kv:int8/per_tensor/max_abs": (directly.Cached, None),
    "residual:int8": (directly.Residual, None),
}
EXPERTS = [asked for asked in CASES if asked != "linear_inputs:int8/per_tensor"]


def direct(ready, asked):
    """By text, as `directly.by_text`; a way without a function takes the largest |x| by name."""
    kind, put = CASES[asked]
    target = kind(ready.model)
    if put is None:
        largest = directly.largest_seen(target, ready.ids, ready.calibration)
        put = directly.int8_tensor(largest)
    plain = directly.Nothing(ready.model)
    return directly.by_text(
        directly.log_probabilities(plain, None, ready.ids, ready.evaluation),
        directly.log_probabilities(target, put, ready.ids, ready.evaluation),
        ready.ids,
    )


@pytest.mark.by_day("moe-*", "gpt2-*")
@pytest.mark.parametrize(
    ("name", "ways"), [("dense", list(CASES)), ("moe", EXPERTS), ("gpt2", EXPERTS[:1])]
)
def test_losses_are_those_of_plain_hooks(ready, name, ways):
    losses = ready(name).losses(*ways)
    for asked, found in zip(ways, losses.rounded, strict=True):
        expected = direct(ready(name), asked)
        assert found.reason is None
        assert losses.tokens_S.tolist() == [row[0] for row in expected.values()]
        columns = [list(column) for column in zip(*expected.values(), strict=True)]
        # The head's product is made of other pieces: float32 rounds it elsewhere.
        for values, other in zip(
            (losses.unrounded.loss_S, found.sums.loss_S, found.sums.kl_S), columns[1:4], strict=True
        ):
            assert values.tolist() == pytest.approx(other, rel=2e-6, abs=2e-5)
        assert found.sums.agreed_S.tolist() == columns[4]
        assert sum(columns[3]) > 1e-4 * sum(columns[0])  # something was rounded


@pytest.mark.nightly
def test_rounding_that_changes_nothing_changes_no_loss(ready, monkeypatch):
    def to_bf16(x, *_):
        return Rounded(as_bf16(x), torch.zeros_like(x, dtype=torch.bool))

    monkeypatch.setattr(passes, "rounded", to_bf16)
    for name in ("dense", "moe"):
        losses = ready(name, torch.bfloat16).losses("int8", "kv:int8", "residual:int8")
        report = end_to_end(losses)
        for row in report["rows"]:
            assert row["reason"] is None
            assert row["loss"] == report["loss"] > 0
            assert row["top1_agreement"] == 1.0
            for found in (row["loss_change"], row["kl_divergence"]):
                assert found == {"mean": 0.0, "low": 0.0, "high": 0.0}


def test_pieces_of_logits_are_those_of_all(ready, monkeypatch):
    whole = ready("dense").losses("int8/per_token")
    monkeypatch.setattr(compared, "VALUES_AT_ONCE", 3 * 4096)
    pieces = ready("dense").losses("int8/per_token")
    for one, other in zip(
        (whole.unrounded, whole.rounded[0].sums), (pieces.unrounded, pieces.rounded[0].sums),
        strict=True,
    ):  # fmt: skip
        assert one.loss_S.tolist() == pytest.approx(other.loss_S.tolist(), rel=1e-6)
        assert one.agreed_S.tolist() == other.agreed_S.tolist()


@pytest.mark.by_day("gpt_oss", "zamba2", "jetmoe")
@pytest.mark.parametrize("name", ["gpt_oss", "llama4_text", "dbrx", "zamba2", "jetmoe"])
def test_products_that_no_map_makes_are_rounded_too(ready, name):
    """Fused experts with a bias, stacks, joined matrices, shared blocks, maps of experts."""
    losses = ready(name).losses("int8/per_token", "nvfp4", "kv:int8", "residual:int8")
    for each in losses.rounded:
        assert each.reason is None, each.asked.name
        assert each.sums.kl_S.sum() > 0


def test_what_is_no_number_is_said(ready, monkeypatch):
    def broken(x, *_):
        return Rounded(torch.full_like(x, math.nan).float(), torch.zeros_like(x, dtype=torch.bool))

    monkeypatch.setattr(passes, "rounded", broken)
    losses = ready("dense").losses("int8")
    report = end_to_end(losses)
    tokens = report["num_tokens"]
    (row,) = report["rows"]
    assert row["reason"] == f"with rounding {tokens} of {tokens} tokens have no finite loss"
    assert (row["loss"], row["loss_change"], row["kl_divergence"], row["top1_agreement"]) == (
        (None,) * 4
    )
    assert report["loss"] is not None


def test_a_model_without_keys_says_so(ready):
    (found,) = ready("mamba").losses("kv:int8").rounded
    assert (found.sums, found.reason) == (None, "no layer hands keys or values to a cache")


def test_a_map_that_was_not_rounded_is_named(ready, monkeypatch):
    monkeypatch.setattr(
        "hubmaxact.measurement.execution.replaced_inputs.replace_factors", lambda *_: None
    )
    (found,) = ready("dense").losses("int8").rounded
    assert found.sums is None
    assert found.reason == (
        "model.layers.0.mlp.down_proj (and 55 others) was never rounded: no product with it was "
        "seen"
    )
