"""What the rules about a whole run say at their edges, and what they let through."""

from report.rule_cases import DROP, surprises

from hubmaxact.report.consistency import checkpoint, coverage, maxima, protocol, routing

BASE = {"id": None, "commit": "1234", "weight_files": [{"path": "a.bin", "size": 1}]}

CHECKPOINT = [
    (checkpoint.files_are_weights, {
      "model/weight_files/1": {"path": "model-00001-of-00003.safetensors", "size": 1}},
     [('model.weight_files[1].path: is "model-00001-of-00003.safetensors", and so is '
       "model.weight_files[0]")]),
    (checkpoint.parameters_nest, {"model/num_parameters": 9934430720}, []),
    (checkpoint.parameters_nest, {"model/num_parameters": 9934430721},
     [("model.num_parameters: is 9934430721, but the weight files have 4967215360 bytes, "
       "too few even at 4 bits each")]),
    (checkpoint.parameters_nest, {"model/num_parameters": 9934430723, "model/adapter_base": BASE},
     [("model.num_parameters: is 9934430723, but the weight files have 4967215361 bytes, "
       "too few even at 4 bits each")]),
    (checkpoint.parameters_nest, {"model/num_parameters": 9934430722, "model/adapter_base": BASE},
     []),
    (checkpoint.files_are_weights, {"model/adapter_base": BASE},
     [('model.adapter_base.weight_files[0].path: is "a.bin", but only .safetensors files are '
       "loaded")]),
    (checkpoint.provenance_agrees, {"model/adapter_base": BASE},
     ["model.adapter_base.id: is null, but commit is 1234"]),
    (checkpoint.parameters_nest, {"model/num_active_parameters": None}, []),
    (checkpoint.parameters_nest, {"model/num_active_parameters": 8190735360}, []),
    (checkpoint.parameters_nest, {"model/num_active_parameters": 8190735361},
     ["model.num_active_parameters: is 8190735361, but num_parameters is 8190735360"]),
    (checkpoint.provenance_agrees, {"model/dequantized": True, "model/dequantized_by": "hubmaxact",
      "model/weights_quantization": "fp8"},
     ["model.stored_weights: is left out, but weights were expanded here"]),
    (checkpoint.provenance_agrees, {
      "model/dequantized_by": "hubmaxact", "model/stored_weights": []},
     ["model.dequantized_by: is there, but dequantized is false",
      "model.stored_weights: is there, but dequantized is false"]),
    (checkpoint.provenance_agrees, {"model/remote_code_files": []},
     ["model.remote_code_files: is there, but remote_code is false"]),
    (checkpoint.provenance_agrees, {"model/remote_code": True, "model/commit": None},
     ["model.remote_code_files: is left out, but remote_code is true",
      "model.commit: is null, but remote_code is true"]),
]  # fmt: skip

COVERAGE = [
    (coverage.status_agrees, {"sites/1/num_nan": 1, "sites/1/num_inf": 1},
     [('status: is "complete", but 2 elements are not finite and 0 sites are missing, '
       'which is "non_finite"')]),
    (coverage.missing_lies_in_the_model, {
      "coverage/missing": [{"role": "mlp_output", "layer": 2}]},
     ["coverage.missing[0].layer: is 2, but model.num_layers is 2"]),
    (coverage.embedding_and_norm_are_counted,
     {"coverage/embedding/expected": 0, "coverage/embedding/absent": 1},
     ["coverage.embedding.expected: is 0, with 1 absent, but a decoder has one",
      "coverage.embedding.absent: is 1, but no embedding can be absent"]),
    (coverage.embedding_and_norm_are_counted, {}, []),
    (coverage.gates_lie_in_blocks, {}, []),
    (coverage.gates_lie_in_blocks, {"sites/2/role": "mlp_gate", "sites/4/role": "mlp_gate"},
     [("coverage.mlp_output.absent: counts layer 0, which has an mlp_gate, as one without "
       "mlp_output"),
      ("coverage.attention_output.absent: counts every layer, and so does that of "
       "mlp_output; some layer must do something")]),
    (coverage.gates_lie_in_blocks, {"sites/4/role": "mlp_gate", "sites/4/layer": None}, []),
    (coverage.layers_add_up, {"sites/3/layer": None},
     [("coverage.hidden_state.absent: is 0, but 1 of 2 layers has this role in sites or "
       "in missing")]),
]  # fmt: skip

MAXIMA = [
    (maxima.global_max_is_the_largest, {"global_max": None, "sites/0/abs_max": None,
      "sites/1/abs_max": None, "sites/2/abs_max": None, "sites/3/abs_max": None,
      "sites/4/abs_max": None}, []),
    (maxima.global_max_is_the_largest, {"sites/0/abs_max": None, "sites/1/abs_max": None,
      "sites/2/abs_max": None, "sites/3/abs_max": None, "sites/4/abs_max": None},
     ["global_max: is given, but 0 sites carry a finite maximum"]),
    (maxima.global_max_is_the_largest, {"global_max/value": 23.0, "global_max/abs_max": 23.0,
      "global_max/bf16_step": 0.125, "sites/2/abs_max": 61.0, "sites/2/part": "a"},
     [("global_max.abs_max: is 23.0, but the largest site, mlp_output of layer 0, part a, "
       "has 61.0")]),
    (maxima.global_max_is_the_largest, {"sites/5/abs_max": 100.0}, []),
    (maxima.carriers_are_the_ties, {"global_max/carriers": []},
     ["global_max.carriers: names 0 sites, but 1 site holds M"]),
    (maxima.carriers_are_the_ties, {"global_max/carriers/0/num_ties": 805306368}, []),
    (maxima.carriers_are_the_ties, {"global_max/carriers/0/num_ties": 805306369},
     ["global_max.carriers[0].num_ties: is 805306369, but the site has 805306368 elements"]),
    (maxima.first_carrier_is_named, {"global_max/layer": None},
     ["global_max.layer: is null, but the first site that holds M has 1"]),
    (maxima.roles_agree, {"max_by_role/hidden_state": DROP},
     ["max_by_role.hidden_state: is left out, but a site of this role has a finite value"]),
    (maxima.roles_agree, {"sites/3/top": []},
     ["max_by_role.hidden_state.value: is 61.0, but the largest site has -23.0",
      "max_by_role.hidden_state.layer: is 1, but the largest site has 0",
      ("max_by_role.hidden_state.module: is model.layers.1, but the largest site has "
       "model.layers.0")]),
    (maxima.domains_agree, {"protocol/corpus/domains/code": 0},
     ["domains.code: is 58.5, but 0 texts were read"]),
    (maxima.domains_agree, {"global_max": None, "domains/code": None},
     ["domains.math: is 61.0, but 3000 texts were read"]),
    (maxima.texts_have_maxima, {"domains/code": None, "protocol/corpus/num_tokens": 12288000}, []),
    (maxima.texts_have_maxima, {"domains/code": None, "protocol/corpus/num_tokens": 12288001},
     ["domains.code: is null, but 2000 texts were read and every value is finite"]),
    (maxima.texts_have_maxima, {"domains/code": None, "protocol/corpus/num_tokens": 12288001,
      "status": "partial"}, []),
    (maxima.texts_have_maxima, {"domains/code": None, "protocol/corpus/num_tokens": 100,
      "protocol/special_tokens/bos_added": True},
     ["domains.code: is null, but 2000 texts were read and every value is finite"]),
    (maxima.texts_have_maxima, {"domains/code": None, "protocol/corpus/domains/code": 0,
      "protocol/special_tokens/bos_added": True}, []),
    (maxima.texts_have_maxima, {"domains/code": None, "domains/x": None,
      "protocol/corpus/num_tokens": 12288000}, []),
    (maxima.texts_have_maxima, {"domains/code": None, "domains/x": None,
      "protocol/corpus/num_tokens": 12288001},
     ["domains.code: is null, but 2000 texts were read and every value is finite"]),
]  # fmt: skip

PROTOCOL = [
    (protocol.tokens_fit_samples, {"protocol/corpus/num_tokens": 20480000}, []),
    (protocol.tokens_fit_samples, {"protocol/corpus/num_tokens": 20480001},
     [("protocol.corpus.num_tokens: is 20480001, but 5000 texts of at most 4096 tokens "
       "have at most 20480000")]),
    (protocol.known_corpora_are_themselves, {"protocol/corpus/version": "01"},
     [('protocol.corpus.version: is "01", but the versions of probe-5k are whole numbers '
       "from 1")]),
    (protocol.known_corpora_are_themselves, {"protocol/corpus/name": "mine",
      "protocol/corpus/kind": "natural"}, []),
    (protocol.known_corpora_are_themselves, {"protocol/corpus/name": "paper",
      "protocol/corpus/kind": "natural", "protocol/corpus/version": "0123abc"}, []),
    (protocol.special_tokens_agree, {
      "protocol/special_tokens": {"policy": "none", "bos_added": False}}, []),
    (protocol.special_tokens_agree, {"protocol/special_tokens": {"policy": "as_tokenizer",
      "bos_added": True}}, []),
    (protocol.products_fit_the_format, {"environment/products": "float32"}, []),
    (protocol.products_fit_the_format, {"protocol/dtype": "float32"}, []),
    (protocol.products_fit_the_format, {"protocol/dtype": "float32",
      "environment/products": "native"}, []),
    (protocol.products_fit_the_format, {"protocol/dtype": "float32",
      "environment/products": "float32"},
     ['environment.products: is "float32", but in a run in float32 every product is "native"']),
]  # fmt: skip

ROUTING = [
    (routing.routing_agrees, {"experts/0/layer": 2},
     ["experts[0].layer: is 2, after -1, in a model of 2 layers"]),
    (routing.routing_agrees, {"experts/1": {"layer": 1, "num_experts": 8, "tokens": {"least": 1,
      "median": 1, "most": 1}, "never_routed": []}},
     ["experts[1].layer: is 1, after 1, in a model of 2 layers"]),
    (routing.routing_agrees, {"experts/0/never_routed": [6, 2]},
     ["experts[0].never_routed: must name distinct experts below 8, ascending"]),
    (routing.routing_agrees, {"experts/0/never_routed": [0, 2, 8]},
     ["experts[0].never_routed: must name distinct experts below 8, ascending"]),
    (routing.routing_agrees, {"experts/0/never_routed": [0, 2, 7]}, []),
    (routing.routing_agrees, {"experts/0/never_routed": [],
      "experts/0/tokens": {"least": 5, "median": 5, "most": 5}}, []),
    (routing.routing_agrees, {"experts/0/tokens": {"least": 0, "median": 1, "most": 1}}, []),
    (routing.routing_agrees, {"experts/0/tokens": {"least": 0, "median": 0, "most": 1}},
     ["experts[0].tokens.median: is 0, but 2 of 8 experts received no token"]),
    (routing.routing_agrees, {"experts/0/never_routed": [0, 1, 2, 3],
      "experts/0/tokens": {"least": 0, "median": 0, "most": 9}}, []),
    (routing.routing_agrees, {"experts/0/never_routed": [0, 1, 2, 3], "experts/0/num_experts": 7,
      "experts/0/tokens": {"least": 0, "median": 0, "most": 9}}, []),
    (routing.routing_agrees, {"experts/0/never_routed": [0, 1, 2], "experts/0/num_experts": 7},
     []),
    (routing.routing_agrees, {"experts/0/never_routed": [0, 1, 2, 3, 4, 5, 6],
      "experts/0/tokens": {"least": 0, "median": 0, "most": 9}}, []),
    (routing.routing_agrees, {"experts/0/never_routed": [0, 1, 2, 3, 4, 5, 6, 7],
      "experts/0/tokens": {"least": 0, "median": 0, "most": 0}}, []),
    (routing.routing_agrees, {"experts/0/never_routed": [0, 1, 2, 3],
      "experts/0/tokens": {"least": 0, "median": 0, "most": 0}},
     ["experts[0].tokens.most: is 0, but 4 of 8 experts received no token"]),
    (routing.loads_fit_the_corpus, {"experts/0/tokens/most": 12582912}, []),
    (routing.loads_fit_the_corpus, {"experts/0/tokens/most": 12582913},
     ["experts[0].tokens.most: is 12582913, but 12582912 tokens passed that layer"]),
    (routing.experts_that_ran_are_counted, {"experts": [], "coverage/missing": [{}]}, []),
    (routing.expert_gates_agree, {"experts/0/mlp_gate": {"abs_max": 61.0, "expert": 3}},
     ["experts[0].mlp_gate.abs_max: is 61.0, but no gate of layer 1 reached that"]),
    (routing.expert_gates_agree, {"experts/0/mlp_gate": {"abs_max": 61.0, "expert": 7},
      "sites/3/role": "mlp_gate"}, []),
    (routing.expert_gates_agree, {"experts/0/mlp_gate": {"abs_max": 61.0, "expert": 8},
      "sites/3/role": "mlp_gate"},
     ["experts[0].mlp_gate.expert: is 8, which received no token"]),
]  # fmt: skip


def test_rules_about_checkpoint():
    assert surprises(CHECKPOINT) == []


def test_rules_about_coverage():
    assert surprises(COVERAGE) == []


def test_rules_about_maxima():
    assert surprises(MAXIMA) == []


def test_rules_about_protocol():
    assert surprises(PROTOCOL) == []


def test_rules_about_routing():
    assert surprises(ROUTING) == []
