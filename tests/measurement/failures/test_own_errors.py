"""A model's own forward pass that raises is one sentence; an error of our hooks stays a bug."""

import pytest
import torch
from oracle import tiny

from hubmaxact.errors import ForwardPassError
from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.measurement.batch_plan import plan_batches
from hubmaxact.measurement.execution.forward import measure
from hubmaxact.measurement.execution.recorder import Recorder

RAISED = (
    (KeyError("sliding"), r"raised KeyError: 'sliding'\. .* another transformers"),
    (TypeError("forward() missing 1 required argument: 'x'"), "missing 1 required argument"),
    (ImportError("flash_attn is not installed"), "Install the package that it names"),
    (RuntimeError("expected scalar type Float but found Half"), "ran in float32. Use --dtype bfl"),
    (NotImplementedError("\"addmm\" not implemented for 'Half'"), "--dtype bfloat16"),
    (RuntimeError("sdpa: no available kernel"), "ran with sdpa attention in float32"),
    (
        RuntimeError("an illegal\nCUDA\x1b[31m thing"),
        r"illegal CUDA\\u001b\[31m thing.*--device cpu",
    ),
    (IndexError("index out of range in self"), "lies beyond one of its tables. Compare the sizes"),
    (ValueError(), "raised ValueError: ValueError"),
)


@pytest.fixture(scope="module")
def decoder():
    return tiny.random_model("qwen3", seed=1)


def stumbling(error):
    def forward(*_args, **_kwargs):
        raise error

    return forward


def test_it_holds_the_models_own_error_and_what_to_try(decoder, monkeypatch):
    for error, told in RAISED:
        monkeypatch.setattr(decoder.model.layers[1].mlp, "forward", stumbling(error))
        with pytest.raises(ForwardPassError, match=told) as raised:
            find_sites(decoder)
        assert "the forward pass of Qwen3ForCausalLM" in str(raised.value)
        assert str(raised.value).isprintable()


def test_one_that_raises_only_in_a_longer_pass(decoder, monkeypatch):
    anatomy, ids = find_sites(decoder), [torch.arange(4).numpy()]
    plan = plan_batches([4], calibration=1, evaluation=0, batch_tokens=64)
    monkeypatch.setattr(decoder.model.norm, "forward", stumbling(IndexError("too far")))
    with pytest.raises(ForwardPassError, match="IndexError: too far"):
        measure(decoder, anatomy, plan, ids)


def test_what_our_hooks_raise_is_a_bug(decoder):
    anatomy, ids = find_sites(decoder), [torch.arange(4).numpy()]
    plan = plan_batches([4], calibration=1, evaluation=0, batch_tokens=64)
    with pytest.raises(IndexError, match=r"index \d+ is out of bounds"):
        measure(decoder, anatomy, plan, ids, recorder=Recorder(anatomy, num_samples=0))
