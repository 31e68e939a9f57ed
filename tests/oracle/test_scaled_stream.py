"""The scaling of the residual stream that a report names keeps a model within fp16: really run."""

import pytest
import torch
from transformers import AutoTokenizer

from hubmaxact import Options, measure
from hubmaxact.report.excess import left_beyond
from oracle import texts, tiny

FAR = 2.0**18  # about how far a planted residual stream goes


def llama_of(model):
    """What adds to the stream of a llama: products, as they are."""
    for layer in model.model.layers:
        yield layer.self_attn.o_proj.weight, 0.0
        yield layer.mlp.down_proj.weight, 0.0


def gemma_of(model):
    """What adds to the stream of a Gemma: norms, whose gains are stored less one."""
    for layer in model.model.layers:
        yield layer.post_attention_layernorm.weight, 1.0
        yield layer.post_feedforward_layernorm.weight, 1.0


WRITERS = {"llama": llama_of, "gemma2": gemma_of}


def far_model(name):
    """A model whose layer 1 writes beyond fp16 into the stream."""
    model = tiny.random_model(name, seed=3)
    with torch.no_grad():
        weight, offset = list(WRITERS[name](model))[3]
        weight.copy_((weight + offset) * FAR / 8 - offset)
    return model


def scaled(model, name, exponent):
    """The same with its stream 2^-exponent times as large."""
    factor = 2.0**-exponent
    with torch.no_grad():
        model.get_input_embeddings().weight *= factor
        for weight, offset in WRITERS[name](model):
            weight.copy_((weight + offset) * factor - offset)
    model.config.rms_norm_eps *= factor**2
    return model


def measured(model, folder, corpus, dtype, **more):
    model.save_pretrained(folder)
    tiny.tokenizer().save_pretrained(folder)
    asked = {"num_samples": 4, "max_seq_len": 32, "dtype": dtype, "profile": "deployment"}
    asked |= more
    options = Options(corpus=str(corpus), **asked)
    return measure(folder, options)


@pytest.mark.by_day("gemma2")
@pytest.mark.parametrize("name", WRITERS)
def test_the_named_scaling_avoids_overflow_and_one_step_less_does_not(name, tmp_path, corpus):
    known = measured(far_model(name), tmp_path / "bf16", corpus, "bfloat16")
    exponent = known["dtype_headroom"]["float16"]["residual_exponent"]
    assert exponent >= 1
    assert left_beyond(known) == []
    model = scaled(far_model(name), name, exponent)
    found = measured(model, tmp_path / "fp16", corpus, "float16")
    assert found["status"] == "complete"
    assert found["global_max"]["abs_max"] * 2**exponent == pytest.approx(
        known["global_max"]["abs_max"], rel=0.05
    )
    model = scaled(far_model(name), name, exponent - 1)
    beyond = measured(model, tmp_path / "beyond", corpus, "float16")
    assert beyond["status"] == "non_finite"
    assert beyond["dtype_headroom"]["float16"]["residual_exponent"] is None


def tokens_beyond(folder, layer, limit):
    """Tokens in which a layer puts out more than a limit, text by text."""
    model, number = tiny.load(folder, "llama", "bfloat16"), 0
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def count(_, __, output):
        nonlocal number
        hidden = output if isinstance(output, torch.Tensor) else output[0]
        number += int((hidden.float().abs().amax(dim=-1) > limit).sum())

    model.model.layers[layer].register_forward_hook(count)
    for row in texts.ROWS[:4]:
        ids = tokenizer(row["text"], return_tensors="pt")["input_ids"][:, :32]
        with torch.inference_mode():
            model.model(input_ids=ids, use_cache=False)
    return number


def test_tokens_beyond_a_format_are_those_of_hooks(tmp_path, corpus):
    model = far_model("llama")
    known = measured(
        model, tmp_path, corpus, "bfloat16", batch_tokens=1, products="native", cpu_threads=1
    )
    checked = 0
    for row in known["dtype_headroom"].values():
        for each in row["exceeded_by"]:
            if each["role"] == "hidden_state":
                found = tokens_beyond(tmp_path, each["layer"], row["largest_finite"])
                assert each["tokens"] == found
                checked += found > 0
            if each["role"] in ("key", "value", "query"):
                assert each["tokens"] is None
    assert checked
