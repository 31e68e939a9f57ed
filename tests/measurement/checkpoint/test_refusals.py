"""Every bad checkpoint and corpus gets one clear sentence and exit code 2, and writes nothing."""

import json
import re
import shutil

import pytest
import torch
from command import DENSE, MOE, hubmaxact_here
from safetensors.torch import load_file, save_file
from transformers import AddedToken, AutoTokenizer


@pytest.fixture
def dense(tmp_path):
    return shutil.copytree(DENSE, tmp_path / "dense")


@pytest.fixture
def moe(tmp_path):
    return shutil.copytree(MOE, tmp_path / "moe")


def refused(folder, sentence, *args, corpus="one text\n"):
    """Measuring exits 2 with this sentence, in one line, and leaves no report."""
    home = folder.parent
    if "--corpus" not in args:
        text = "".join(json.dumps({"text": line}) + "\n" for line in corpus.splitlines())
        (home / "corpus.jsonl").write_text(text)
        args = (*args, "--corpus", home / "corpus.jsonl")
    result = hubmaxact_here("measure", folder, *args, cwd=home)
    lines = [line for line in result.stderr.splitlines() if line.startswith("hubmaxact: ")]
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert len(lines) == 1
    assert re.search(sentence, lines[0]), lines[0]
    assert not (home / "activation_maxima.json").exists()


def edit_json(path, **changes):
    document = json.loads(path.read_text())
    document.update(changes)
    path.write_text(json.dumps(document))


def header_of(path):
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def write_with_header(path, header, data):
    encoded = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(encoded).to_bytes(8, "little") + encoded + data)


def with_image_token(folder):
    """As in Gemma 3's text-only sizes: one special token more than the embedding has rows."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(AddedToken("<image>", special=True), special_tokens=True)
    tokenizer.save_pretrained(folder)


class TestUnsafe:
    def test_pickle_only_weights(self, dense):
        (dense / "model.safetensors").rename(dense / "pytorch_model.bin")
        refused(dense, r"only pickled weights \(pytorch_model.bin\).*Convert them to safetensors")

    def test_custom_code_in_the_configuration(self, dense):
        edit_json(dense / "config.json", auto_map={"AutoModel": "modeling_x.X"}, model_type="x")
        (dense / "modeling_x.py").write_text("raise SystemExit('ran')")
        refused(dense, r"config.json asks for custom code \(modeling_x.py\)")

    def test_a_kernel_from_another_repository(self, dense):
        edit_json(dense / "config.json", attn_implementation="evil/kernel")
        refused(dense, r"code from another repository \('evil/kernel'\)")

    def test_an_adapter_beside_whole_weights(self, dense):
        (dense / "adapter_config.json").write_text("{}")
        refused(dense, "is an adapter, not a checkpoint")

    def test_weights_that_are_there_twice(self, moe):
        shutil.copy(min(moe.glob("model-*.safetensors")), moe / "model.safetensors")
        refused(moe, r"has its weights twice, in model.safetensors and in the files of model\.safe")

    def test_an_index_of_one_file_is_no_second_copy(self, dense):
        weights = load_file(dense / "model.safetensors")
        index = {"metadata": {}, "weight_map": dict.fromkeys(weights, "model.safetensors")}
        (dense / "model.safetensors.index.json").write_text(json.dumps(index))
        path = dense.parent / "fine.jsonl"
        path.write_text('{"text": "fine"}\n')
        result = hubmaxact_here("measure", dense, "--corpus", path, cwd=dense.parent)
        assert result.returncode == 0, result.stderr

    def test_weights_of_another_name(self, dense):
        shutil.copy(dense / "model.safetensors", dense / "other.safetensors")
        edit_json(dense / "config.json", transformers_weights="other.safetensors")
        refused(dense, r"config.json names weights of its own \('other.safetensors'\)")

    def test_weights_stored_in_fp8_without_a_word(self, dense):
        weights = load_file(dense / "model.safetensors")
        packed = {name: weight.to(torch.float8_e4m3fn) for name, weight in weights.items()}
        save_file(packed, dense / "model.safetensors", metadata={"format": "pt"})
        refused(dense, "stored as F8_E4M3, and config.json does not say how they are quantized")

    def test_a_quantization_that_no_weight_has(self, dense):
        edit_json(dense / "config.json", quantization_config={"quant_method": "mxfp4"})
        refused(dense, r"says that the weights are quantized \(mxfp4\), and none of them is")

    @pytest.mark.parametrize("key", ["num_hidden_layers", "num_labels"])
    def test_a_configuration_of_endless_work(self, dense, key):
        edit_json(dense / "config.json", text_config={key: 10**9})
        refused(dense, f"config.json asks for {key} 1e\\+09, and at most")

    def test_names_that_a_report_cannot_carry_are_refused_before_the_run(self, dense):
        refused(dense, r"cannot stand in a report: model\.id: .* Rename it", "--model-id", "_a/b")

    def test_a_shard_whose_name_steers_a_terminal(self, moe):
        index = moe / "model.safetensors.index.json"
        weight_map = json.loads(index.read_text())["weight_map"]
        name = "a\n::error::\x1b[31m.safetensors"
        edit_json(index, weight_map=dict.fromkeys(weight_map, name))
        refused(moe, r"names a\\u000a::error::\\u001b\[31m\.safetensors, which is not there")

    @pytest.mark.parametrize(
        ("damage", "told"),
        [
            ({"hidden_size": "x"}, "Field 'hidden_size' expected int"),
            ({"num_key_value_heads": 0}, r"by zero \(num_key_value_heads 0\)"),
            ({"hidden_act": "nonsense"}, 'it knows no hidden_act "nonsense"'),
            (
                {"rope_parameters": {"rope_type": "nonsense"}},
                r'it knows no rope_parameters\.rope_type "nonsense"',
            ),
            ({"rope_scaling": {"type": "odd"}}, r'it knows no rope_scaling\.type "odd"'),
            ({"intermediate_size": -1}, r"negative dimension.*\(intermediate_size -1\)"),
            ({"architectures": ["PreTrainedModel"]}, ""),
        ],
        ids=str,
    )
    def test_a_damaged_configuration(self, dense, damage, told):
        edit_json(dense / "config.json", **damage)
        built = (
            rf"transformers cannot build dense from its config.json: .*{told}.*\. Compare it with"
        )
        refused(dense, built)

    def test_an_unknown_quantization(self, dense):
        edit_json(dense / "config.json", quantization_config={"quant_method": "mystery"})
        refused(dense, r"weights of dense are quantized \(mystery\)")

    def test_an_unknown_architecture(self, dense):
        edit_json(dense / "config.json", architectures=["NoSuchLM"], model_type="no_such")
        refused(dense, r"no architecture \['NoSuchLM'\]")


class TestHeaders:
    def test_a_truncated_file(self, dense):
        path = dense / "model.safetensors"
        path.write_bytes(path.read_bytes()[:-1000])
        refused(dense, r"not a sound safetensors file: [\d,]+ bytes of tensors, where")

    def test_a_file_cut_in_its_header(self, dense):
        path = dense / "model.safetensors"
        path.write_bytes(path.read_bytes()[:100])
        refused(dense, "100 bytes, too few for the header it declares")

    @pytest.mark.parametrize("content", [b"", b"1234567"])
    def test_hardly_a_file(self, dense, content):
        (dense / "model.safetensors").write_bytes(content)
        refused(dense, f"only {len(content)} bytes")

    def test_a_header_longer_than_allowed(self, dense):
        write_with_header(dense / "model.safetensors", b" " * 25_000_001, b"")
        refused(dense, "a header of 25000001 bytes, more than 25000000")

    def test_a_header_that_is_a_pickle(self, dense):
        write_with_header(dense / "model.safetensors", b"\x80\x04\x95garbage", b"")
        refused(dense, "a header that is not JSON")

    def test_more_values_than_any_checkpoint_has(self, dense):
        write_with_header(dense / "model.safetensors", b"[" + b"[]," * 1_500_000 + b"1]", b"")
        refused(dense, "a header of more values than 200000 tensors have")

    def test_nested_beyond_reason(self, dense):
        write_with_header(dense / "model.safetensors", b"[" * 100_000, b"")
        refused(dense, "a header that is not JSON")

    def test_the_same_name_twice(self, dense):
        entry = '"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}'
        write_with_header(dense / "model.safetensors", f"{{{entry}, {entry}}}".encode(), b"\0")
        refused(dense, "the same name twice in its header")

    @pytest.mark.parametrize(
        ("entry", "sentence"),
        [
            ({"dtype": "U8", "shape": [2], "data_offsets": [0, 1]}, "1 byte for a, whose shape"),
            ({"dtype": "U8", "shape": [1], "data_offsets": [1, 2]}, "a at byte 1, where byte 0"),
            ({"dtype": ["U8"], "shape": [1], "data_offsets": [0, 1]}, "an entry for a that is not"),
            ({"dtype": "X", "shape": [1], "data_offsets": [0, 1]}, "an entry for a that is not"),
            ({"dtype": "U8", "shape": [-1], "data_offsets": [0, 1]}, "an entry for a that is not"),
            ({"dtype": "U8", "shape": [True], "data_offsets": [0, 1]}, "an entry for a"),
            ({"dtype": "U8", "shape": [1 << 61, 1 << 61], "data_offsets": [0, 1]}, "1 byte for a"),
            ({"dtype": "U8", "shape": [1] * 33, "data_offsets": [0, 1]}, "an entry for a"),
            ([], "an entry for a that is not"),
        ],
    )
    def test_an_entry_that_lies(self, dense, entry, sentence):
        write_with_header(dense / "model.safetensors", {"a": entry}, b"\0\0")
        refused(dense, sentence)

    @pytest.mark.parametrize("metadata", ["x", {"format": 1}, None])
    def test_metadata_that_is_none(self, dense, metadata):
        header, data = header_of(dense / "model.safetensors")
        header["__metadata__"] = metadata
        write_with_header(dense / "model.safetensors", header, data)
        refused(dense, "metadata that is not text by name")

    def test_bytes_behind_the_last_tensor(self, dense):
        header, data = header_of(dense / "model.safetensors")
        write_with_header(dense / "model.safetensors", header, data + b"polyglot")
        refused(dense, r"\d+ bytes of tensors, where the header declares \d+")

    def test_a_name_with_a_path_in_disguise(self, dense):
        entry = {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}
        write_with_header(dense / "model.safetensors", {"a\u202e<img>": entry}, b"\0")
        refused(dense, "a tensor name with forbidden characters")


class TestShards:
    def test_a_shard_that_is_not_there(self, moe):
        shard = sorted(moe.glob("model-*.safetensors"))[1]
        shard.unlink()
        refused(moe, rf"names {shard.name}, which is not there")

    @pytest.mark.parametrize("path", ["../secret", "..\\secret", "C:secret", "C:\\secret"])
    def test_a_shard_outside_the_folder_on_any_platform(self, moe, path):
        index = moe / "model.safetensors.index.json"
        weight_map = json.loads(index.read_text())["weight_map"]
        shard = f"{path}.safetensors"
        edit_json(index, weight_map={**weight_map, next(iter(weight_map)): shard})
        refused(moe, re.escape(f"names a shard {shard!r}"))

    def test_an_index_that_promises_more_than_a_shard_holds(self, moe):
        index = moe / "model.safetensors.index.json"
        weight_map = json.loads(index.read_text())["weight_map"]
        shard = next(iter(weight_map.values()))
        edit_json(index, weight_map={**weight_map, "model.extra.weight": shard})
        refused(moe, r"does not hold what .* says: 1 tensor missing \(first: 'model.extra.weight'")


class TestWeights:
    def test_missing_weights(self, dense):
        weights = load_file(dense / "model.safetensors")
        del weights["model.layers.1.mlp.down_proj.weight"]
        save_file(weights, dense / "model.safetensors", metadata={"format": "pt"})
        refused(dense, r"1 weight of dense is missing \(model.layers.1.mlp.down_proj.weight\)")

    def test_unexpected_weights(self, dense):
        weights = load_file(dense / "model.safetensors")
        weights["model.layers.1.mlp.other.weight"] = weights["model.norm.weight"].clone()
        save_file(weights, dense / "model.safetensors", metadata={"format": "pt"})
        refused(dense, r"unknown to the architecture \(model.layers.1.mlp.other.weight\)")

    def test_weights_of_another_shape(self, dense):
        weights = load_file(dense / "model.safetensors")
        weights["model.norm.weight"] = weights["model.norm.weight"][:-1].clone()
        save_file(weights, dense / "model.safetensors", metadata={"format": "pt"})
        refused(dense, r"of another shape than the architecture's \(model.norm.weight\)")

    def test_a_vocabulary_smaller_than_the_tokenizers_ids(self, dense):
        weights = load_file(dense / "model.safetensors")
        rows = weights["model.embed_tokens.weight"].shape[0] - 16
        weights["model.embed_tokens.weight"] = weights["model.embed_tokens.weight"][:rows].clone()
        save_file(weights, dense / "model.safetensors", metadata={"format": "pt"})
        edit_json(dense / "config.json", vocab_size=rows)
        refused(dense, rf"largest id is {rows + 15} .* the embedding has only {rows} rows")

    @pytest.mark.nightly
    def test_masks_that_older_releases_stored_are_no_weights(self, dense):
        weights = load_file(dense / "model.safetensors")
        weights["model.layers.0.self_attn.bias"] = torch.ones(1, 1, 8, 8).tril()
        weights["model.layers.0.self_attn.masked_bias"] = torch.tensor(-1e9)
        weights["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(8)
        save_file(weights, dense / "model.safetensors", metadata={"format": "pt"})
        path = dense.parent / "fine.jsonl"
        path.write_text('{"text": "fine"}\n')
        result = hubmaxact_here("measure", dense, "--corpus", path, cwd=dense.parent)
        assert result.returncode == 0, result.stderr

    def test_a_text_with_a_special_token_beyond_the_embedding(self, dense):
        with_image_token(dense)
        corpus = "fine\nlook: <image>\n"
        refused(dense, r"text 1 holds the special token '<image>' \(id 4096\)", corpus=corpus)

    @pytest.mark.nightly
    def test_a_special_token_that_no_text_holds_is_no_reason_to_refuse(self, dense):
        with_image_token(dense)
        path = dense.parent / "fine.jsonl"
        path.write_text('{"text": "fine"}\n')
        result = hubmaxact_here("measure", dense, "--corpus", path, cwd=dense.parent)
        assert result.returncode == 0, result.stderr

    def test_no_tokenizer(self, dense):
        for path in dense.glob("tokenizer*"):
            path.unlink()
        refused(dense, "dense has no tokenizer")

    def test_a_tokenizer_that_is_none(self, dense):
        (dense / "tokenizer.json").write_text("{}")
        refused(dense, "the tokenizer of dense cannot be loaded: tokenizer.json is cut off")

    def test_a_tokenizer_that_raises_when_it_is_used(self, dense):
        edit_json(dense / "tokenizer_config.json", tokenizer_class="BertTokenizer")
        refused(dense, r"\(BertTokenizer\) cannot encode texts: WordPiece .*tokenizer_class in")


class TestCorpora:
    def test_an_empty_corpus(self, dense):
        (dense.parent / "empty.jsonl").write_text("")
        refused(
            dense,
            "empty is empty; a corpus needs at least one text",
            "--corpus",
            dense.parent / "empty.jsonl",
        )

    @pytest.mark.parametrize(
        "line",
        ["not json", "[]", "{}", '{"text": 7}', '{"text": ""}', '{"text": "a", "text": "b"}'],
    )
    def test_a_line_that_is_not_what_it_should_be(self, dense, line):
        path = dense.parent / "bad.jsonl"
        path.write_text('{"text": "fine"}\n' + line + "\n")
        refused(dense, r"bad\.jsonl.* line 2", "--corpus", path)

    def test_an_unknown_corpus(self, dense):
        refused(dense, "no corpus nonsense", "--corpus", "nonsense")

    def test_a_limit_that_special_tokens_alone_exceed(self, dense):
        tokenizer = json.loads((dense / "tokenizer.json").read_text())
        around = {"SpecialToken": {"id": "<|bos|>", "type_id": 0}}
        end = {"SpecialToken": {"id": "<|eos|>", "type_id": 0}}
        tokenizer["post_processor"] = {
            "type": "TemplateProcessing",
            "single": [around, {"Sequence": {"id": "A", "type_id": 0}}, end],
            "pair": [around, {"Sequence": {"id": "A", "type_id": 0}}, end],
            "special_tokens": {
                "<|bos|>": {"id": "<|bos|>", "ids": [0], "tokens": ["<|bos|>"]},
                "<|eos|>": {"id": "<|eos|>", "ids": [1], "tokens": ["<|eos|>"]},
            },
        }
        (dense / "tokenizer.json").write_text(json.dumps(tokenizer))
        refused(dense, "where at most 1 were asked for: .* Raise --max-seq-len", "--max-seq-len", 1)

    def test_more_samples_than_there_are(self, dense):
        refused(dense, "has 1 text, 5 were asked for", "--num-samples", 5)


class TestArguments:
    def test_neither_a_folder_nor_an_id(self, tmp_path):
        refused(tmp_path / "nowhere", "is not a folder")

    def test_a_folder_without_a_configuration(self, tmp_path):
        (tmp_path / "empty").mkdir()
        refused(tmp_path / "empty", "has no config.json")

    def test_a_revision_of_a_folder(self, dense):
        refused(dense, "local folder, which has no revisions", "--revision", "main")

    @pytest.mark.parametrize("device", ["abacus", "cuda:99", "meta"])
    def test_a_device_that_is_not_there(self, dense, device):
        refused(dense, f"device '{device}' cannot be used here. Use --device ", "--device", device)

    def test_a_model_id_that_is_none(self, dense):
        refused(dense, "is not a repository id", "--model-id", "a/b/../c")

    def test_a_readme_that_cannot_be_edited_is_refused_before_the_run(self, dense):
        target = dense.parent / "target"
        target.mkdir()
        (target / "README.md").write_text("<!-- hubmaxact:begin -->\n")
        refused(dense, "README", "--write-into", target)

    @pytest.mark.parametrize("where", ["nowhere/report.json", "model.safetensors/report.json"])
    def test_a_report_that_could_not_be_written_is_refused_before_the_run(self, dense, where):
        refused(
            dense, "cannot write .* (Choose another folder|Name a file)", "--output", dense / where
        )

    def test_no_samples_are_a_choice_too(self, dense):
        path = dense.parent / "fine.jsonl"
        path.write_text('{"text": "fine"}\n')
        splits = ("--calibration-samples", "0", "--evaluation-samples", "0")
        result = hubmaxact_here("measure", dense, "--corpus", path, *splits, cwd=dense.parent)
        assert result.returncode == 0, result.stderr
        report = json.loads((dense.parent / "activation_maxima.json").read_text())
        assert report["protocol"]["calibration_samples"] == 0
        assert "at least one" in report["quantization"]["formats"][0]["reason"]
