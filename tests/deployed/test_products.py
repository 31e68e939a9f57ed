"""What is multiplied without a call of a map: experts one by one, and weights read by others."""

from dataclasses import dataclass

import pytest
import torch
from deployed_reports import deployment_report
from safetensors.torch import load_file

from deployed import families, multiplied, odd_families, seen
from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.measurement.assembly.sidecars import sidecars
from hubmaxact.measurement.assembly.sites import under_each_role
from hubmaxact.measurement.batch_plan import plan_batches
from hubmaxact.measurement.execution.forward import measure
from hubmaxact.report.roles import DEPLOYMENT

PLAN = plan_batches(seen.LENGTHS, calibration=2, evaluation=2, batch_tokens=24)


@dataclass
class Run:
    """One model, measured and run bare."""

    model: object
    measurement: object
    shown: list

    def of(self, role):
        """The sites of a role, with what they show."""
        recorded, same = self.measurement.recorder.result(), self.measurement.anatomy.same
        sites = recorded.sites | {site: recorded.sites[other] for site, other in same.items()}
        return {site: result for site, result in sites.items() if site.role == role}

    def reading(self, name):
        """The only linear input that a map of this name reads."""
        ((site, result),) = [
            each for each in self.of("linear_input").items() if name in each[0].maps
        ]
        return site, result

    def rows(self, name, element=None):
        """What a module put out, or what its first call was given, of all real tokens."""
        kept = []
        for batch in self.shown:
            x = batch.outputs[name] if element is None else batch.inputs[name][0][element]
            x = x[0] if isinstance(x, tuple) else x
            kept.append(x.reshape(len(batch.real), -1)[batch.real])
        return torch.cat(kept)


@pytest.fixture(scope="module")
def run():
    """Return a model measured and run bare; each once."""
    done = {}

    def ran(name, kernel=None):
        if (name, kernel) not in done:
            done[name, kernel] = _run(name, kernel)
        return done[name, kernel]

    return ran


def _run(name, kernel):
    torch.set_num_threads(1)
    made = odd_families if name in odd_families.CONFIGS else families
    model = made.build(name, **({"experts_implementation": kernel} if kernel else {}))
    anatomy, ids = find_sites(model, profile=DEPLOYMENT), seen.samples()
    measurement = measure(model, anatomy, PLAN, ids)
    return Run(model, measurement, multiplied.run(model, anatomy.owner, ids, PLAN.batches))


def same(result, rows):
    """Whether a site's statistics are those of these rows."""
    rounded = rows.to(torch.bfloat16).float()  # as counts of float32 values are
    values, ordered = result.values, rounded.abs().flatten().sort().values
    assert values.count == rows.numel()
    assert (values.min, values.max) == (rows.min().item(), rows.max().item())
    assert values.bins.abs_quantile("0.5") == ordered[-(-len(ordered) // 2) - 1].item()


def same_by_expert(result, batches):
    """Whether they are those of rows of experts, (shown, (rows, tokens, expert) each) a batch."""
    largest, kept, places = [-1.0] * len(result.expert_maxima), [], set()
    for shown, pieces in batches:
        for rows, token, expert in pieces:
            assert len(rows) == len(token)
            real = shown.real[token]
            for row, at in zip(rows[real].float().abs(), token[real].tolist(), strict=True):
                largest[expert] = max(largest[expert], row.max().item())
                if row.max() == result.values.abs_max:
                    places.add(shown.place(at))
            kept.append(rows[real])
    assert result.expert_maxima == tuple(largest)
    assert (result.top[0].sample, result.top[0].position) in places
    rows = torch.cat(kept)
    same(result, rows)
    if result.channel_maxima is not None:
        assert result.channel_maxima.tolist() == rows.float().abs().amax(0).tolist()


def the_model_puts_out_the_same(run):
    """Whether watching left every layer's output as it is, to the last bit."""
    for site, result in run.of("hidden_state").items():
        same(result, run.rows(site.module))


@pytest.mark.by_day("gpt_oss-eager", "qwen3_moe-batched_mm")
@pytest.mark.parametrize("kernel", ["eager", "batched_mm"])
@pytest.mark.parametrize("name", ["qwen3_moe", "gpt_oss", "nemotron_h"])
def test_experts_read_what_was_measured_under_every_implementation(name, kernel, run):
    ran = run(name, kernel)
    found = ran.of("expert_down_input")
    assert sorted(site.layer for site in found) == sorted(ran.measurement.anatomy.experts)
    for site, result in found.items():
        experts = ran.measurement.anatomy.experts[site.layer]
        stack = ran.model.get_submodule(experts).down_proj
        if kernel == "eager":
            pieces = [(s, multiplied.chosen_one_by_one(s, experts, stack)) for s in ran.shown]
        else:
            number = 2 * sorted(each.layer for each in found).index(site.layer) + 1
            pieces = [(s, multiplied.in_token_order(s, experts, number)) for s in ran.shown]
        same_by_expert(result, pieces)
    the_model_puts_out_the_same(ran)


@pytest.mark.parametrize("kernel", ["eager", "batched_mm"])
def test_what_reaches_experts_is_the_same_under_every_implementation(kernel, run):
    ran = run("qwen3_moe", kernel)
    for site, (maxima, _) in ran.measurement.recorder.result().expert_inputs.items():
        largest = [-1.0] * len(maxima)
        for shown in ran.shown:
            hidden, chosen, _ = shown.inputs[ran.measurement.anatomy.experts[site.layer]][0]
            for row, numbers in zip(hidden[shown.real], chosen[shown.real].tolist(), strict=True):
                for expert in numbers:
                    largest[expert] = max(largest[expert], row.float().abs().max().item())
        assert maxima == tuple(largest)


OWN = {
    "longcat_flash": ("mlp.experts", "gate_up_proj", "down_proj", multiplied.chosen_one_by_one),
    "jetmoe": ("mlp", "input_linear", "output_linear", multiplied.sorted_one_by_one),
    "dbrx": ("ffn.experts", "mlp.w1", "mlp.w2", multiplied.chosen_one_by_one),
    "llama4_text": ("feed_forward.experts", "gate_up_proj", "down_proj", multiplied.all_at_once),
}
"""Experts with a forward of their own: where, their stacks, and how their rows are sorted."""

SORTERS = {"jetmoe": "mlp.router", "llama4_text": "feed_forward.router"}


@pytest.mark.parametrize("name", OWN)
def test_experts_with_a_forward_of_their_own_read_what_was_measured(name, run):
    ran, (experts, up, down, rows_of) = run(name), OWN[name]
    for role, stack in (("expert_input", up), ("expert_down_input", down)):
        found = ran.of(role)
        assert found
        for site, result in found.items():
            owner, _, attribute = f"{site.module}.{experts}.{stack}".rpartition(".")
            matrices = getattr(ran.model.get_submodule(owner), attribute)
            matrices = getattr(matrices, "weight", matrices)
            if matrices.dim() == 2:
                matrices = matrices.unflatten(0, (4, -1))
            sorter = f"{site.module}.{SORTERS.get(name, experts)}"
            pieces = [(s, list(rows_of(s, sorter, matrices))) for s in ran.shown]
            same_by_expert(result, pieces)
            tokens = [0] * len(result.expert_maxima)
            for shown, each in pieces:
                for _, token, expert in each:
                    tokens[expert] += int(shown.real[token].sum())
            assert ran.measurement.recorder.result().routed[site.layer] == tuple(tokens)
    the_model_puts_out_the_same(ran)


def test_experts_that_attend_read_what_was_measured(run):
    ran = run("jetmoe")
    for layer in range(2):
        name = f"model.layers.{layer}.self_attention.experts"
        _, result = ran.reading(f"{name}.output_linear")
        stack = ran.model.get_submodule(f"{name}.output_linear").weight
        same_by_expert(
            result,
            [(s, multiplied.sorted_one_by_one(s, f"{name}.router", stack)) for s in ran.shown],
        )


def test_one_row_names_all_that_read_a_tensor_called_or_not(run):
    longcat, jetmoe = run("longcat_flash"), run("jetmoe")
    site, result = longcat.reading("model.layers.0.mlp.experts.gate_up_proj")
    assert set(site.maps) >= {
        "model.layers.0.mlp.experts.gate_up_proj", "model.layers.0.mlp.router.classifier",
    }  # fmt: skip
    same(result, longcat.rows("model.layers.0.mlp", 0))
    site, result = jetmoe.reading("model.layers.0.mlp.input_linear")
    assert "model.layers.0.mlp.router.layer" in site.maps
    same(result, jetmoe.rows("model.layers.0.mlp", 0))


@pytest.mark.parametrize(("name", "mixer"), [("mamba", "mixer"), ("jamba", "mamba")])
def test_a_weight_that_its_mixer_multiplies_by_is_no_map_left_out(name, mixer, run):
    ran = run(name)
    layer = ran.measurement.anatomy.owner + ".layers.0"
    _, result = ran.reading(f"{layer}.{mixer}.dt_proj")
    if name == "jamba":
        same(result, ran.rows(f"{layer}.{mixer}.dt_layernorm"))
    else:
        same(result, ran.rows(f"{layer}.{mixer}.x_proj")[:, :4])
    assert ran.measurement.missing == ()
    the_model_puts_out_the_same(ran)


def test_a_call_with_a_constant_of_no_token_is_none_of_what_a_map_reads(run):
    ran = run("zaya")
    qkv = "model.layers.0.self_attn.qkv_proj"
    site, result = ran.reading(f"{qkv}.v_proj_delayed")
    assert len(ran.shown[0].inputs[f"{qkv}.v_proj_delayed"]) == 2
    assert f"{qkv}.q_proj" in site.maps
    same(result, ran.rows(f"{qkv}.q_proj", 0))


def test_adapters_are_named_in_the_layer_that_they_were_made_for(run):
    ran = run("zamba2")
    assert ran.measurement.missing == ()
    named = {name for site in ran.of("linear_input") for name in site.maps if "_q_adapter" in name}
    adapters = "shared_transformer.self_attn.linear_q_adapter_list"
    assert named == {
        f"model.layers.{layer}.{adapters}.{own}.{half}"
        for layer, own in ((1, 0), (3, 1))
        for half in (0, 1)
    }


def test_keys_and_values_go_through_a_cache_of_the_models_own_class(run):
    ran = run("minimax")
    (site,) = ran.of("key")
    assert (site.layer, site.num_heads) == (1, 2)
    kept = {"key": [], "value": []}
    for shown in ran.shown:
        ids = shown.inputs["model.embed_tokens"][0][0]
        with torch.no_grad():
            cache = ran.model.model(input_ids=ids, use_cache=True).past_key_values
        layer = cache.layers[1]
        for role, x in (("key", layer.keys), ("value", layer.values)):
            kept[role].append(x.movedim(1, 2).flatten(0, 1)[shown.real])
    for role, parts in kept.items():
        (result,) = ran.of(role).values()
        channels = torch.cat(parts).float().abs().amax(0)
        assert result.channel_maxima.tolist() == channels.flatten().tolist()
    the_model_puts_out_the_same(ran)


def test_a_bias_that_a_layer_adds_by_itself_is_part_of_the_update(run):
    ran = run("gpt_neox_japanese")
    last = "gpt_neox_japanese.layers.1"
    (result,) = [r for s, r in ran.of("attention_update").items() if s.layer == 1]
    bias = ran.model.get_submodule(f"{last}.attention").dense_bias
    assert bias.abs().max() > 0
    same(result, ran.rows(f"{last}.attention") + bias)


@pytest.mark.nightly
def test_a_convolution_after_a_block_only_goes_on_with_it(run):
    ran = run("inkling_text")
    for role, module in (("attention_update", "attn_sconv"), ("mlp_update", "mlp_sconv")):
        found = {site.module: result for site, result in ran.of(role).items()}
        assert sorted(found) == [f"model.layers.{layer}.{module}" for layer in range(2)]
        for name, result in found.items():
            same(result, ran.rows(name))
    assert len(ran.of("mid_residual")) == 2


@pytest.mark.parametrize("name", ["qwen3_moe", "llama4_text"])
def test_sums_of_squares_by_expert_lie_beside_the_report(name, run, tmp_path):
    ran = run(name)
    recorder = ran.measurement.recorder
    recorded = recorder.result()
    seen = under_each_role(recorded, ran.measurement.anatomy)
    files = sidecars(seen, recorder.sites, recorded, [], deployment_report(1))
    (tmp_path / "experts").write_bytes(files["experts.safetensors"])
    tensors = load_file(tmp_path / "experts")
    layers = len(ran.measurement.anatomy.routing_layers)
    for reads in ("input", "down_input"):
        sums = [each for each in tensors if each.endswith(f".experts.{reads}.sum_sq")]
        assert len(sums) == layers > 0
        for each in sums:
            x, rows = tensors[each], tensors[f"{each}_rows"]
            assert (rows > 0).tolist() == x.any(dim=1).tolist()
