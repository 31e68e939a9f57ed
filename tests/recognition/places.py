"""What people point at: files by path, and words of the sentence that they get."""

import json

from hubmaxact.errors import IncompleteWeightsError, NoCheckpointError, UnsafeCheckpointError
from hubmaxact.recognition.adapter import AdapterFoundError

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 9\n"
CARD = b"---\nbase_model: Qwen/Qwen3-0.6B\n---\n# Quants\n"
WEIGHTS = {"config.json": b"{}", "model.safetensors": b"x"}
INDEX = "model.safetensors.index.json"


def index_of(*files: str, **more) -> bytes:
    weight_map = {f"tensor-{number}": file for number, file in enumerate(files)}
    return json.dumps({"weight_map": weight_map, **more}).encode()


def quantized(config: dict, **files: bytes) -> dict[str, bytes]:
    return {**WEIGHTS, "config.json": json.dumps(config).encode(), **files}


ADAPTER = json.dumps({"base_model_name_or_path": "Qwen/Qwen3-0.6B"}).encode()
AQLM = {"quantization_config": {"quant_method": "aqlm"}}
FP8 = {"quantization_config": {"quant_method": "fp8"}}

# Words of the sentence, class of the error, files.
NO_CHECKPOINTS = [
    (r"adapter of Qwen/Qwen3-0\.6B, not a checkpoint\. Merge it", AdapterFoundError,
     {"adapter_config.json": ADAPTER, "adapter_model.safetensors": b"x"}),
    (r"adapter, not a checkpoint. It lacks adapter_config\.json, ", NoCheckpointError,
     {"adapter_model.safetensors": b"x"}),
    (r"adapter of Qwen/Qwen3-0\.6B, not a checkpoint\. It lacks adapter_model\.s",
     NoCheckpointError, {"adapter_config.json": ADAPTER}),
    (r"adapter, not a checkpoint\. Its adapter_model\.bin is a pickle", NoCheckpointError,
     {"adapter_model.bin": b"x"}),
    (r"adapter of Qwen/Qwen3-0\.6B,", NoCheckpointError,
     {"README.md": CARD, "adapter_config.json": b"[", "adapter_model.bin": b"x"}),
    (r"adapter of Qwen/Qwen3-0\.6B \(in checkpoint-5\)", NoCheckpointError,
     {"checkpoint-5/adapter_model.bin": b"x", "checkpoint-5/adapter_config.json": ADAPTER}),
    (r"beside whole weights, and transformers would load both", NoCheckpointError,
     {**WEIGHTS, "adapter_config.json": ADAPTER}),
    (r"GGUF alone \(Q4/a\.gguf\)\. Measure the model .* from, Qwen/Qwen3-0\.6B", NoCheckpointError,
     {"README.md": CARD, "Q4/a.gguf": b"x"}),
    (r"GGUF alone \(A\.GGUF\)", NoCheckpointError, {"config.json": b"{}", "A.GGUF": b"x"}),
    (r"ONNX alone \(onnx/model\.onnx\)", NoCheckpointError,
     {"config.json": b"{}", "onnx/model.onnx": b"x"}),
    (r"FSDP, DCP; \.metadata, __0_0\.distcp", NoCheckpointError,
     {".metadata": b"x", "__0_0.distcp": b"x"}),
    (r"FSDP, DCP; .*fsdp_0/__0_0\.distcp", NoCheckpointError,
     {"a/pytorch_model_fsdp_0/__0_0.distcp": b"x", "a/config.json": b"{}", "a/optimizer.pt": b"x"}),
    (r"DeepSpeed", NoCheckpointError, {"global_step1/mp_rank_00_model_states.pt": b"x"}),
    (r"Megatron", NoCheckpointError, {"iter_1/mp_rank_00/model_optim_rng.pt": b"x"}),
    (r"Meta's own layout .*pickles", UnsafeCheckpointError,
     {"params.json": b"{}", "consolidated.00.pth": b"x"}),
    (r"Mistral's own layout", NoCheckpointError,
     {"params.json": b"{}", "consolidated.safetensors": b"x"}),
    (r"only pickled weights \(pytorch_model\.bin\)", UnsafeCheckpointError,
     {"config.json": b"{}", "pytorch_model.bin": b"x", "training_args.bin": b"x"}),
    (r"no safetensors weights \(found .*config\.json, training_args\.bin\)", NoCheckpointError,
     {"config.json": b"{}", "training_args.bin": b"x"}),
    (r"no config\.json and no weights \(found .*notes\.txt\)", NoCheckpointError,
     {"notes.txt": b"x"}),
    (r"weights and no config\.json", NoCheckpointError, {"model.safetensors": b"x"}),
    (r"made ready for another engine \(openvino_model\.bin\)", NoCheckpointError,
     {"config.json": b"{}", "openvino_model.bin": b"x"}),
    (r"an archive \(model\.tar\.gz\)\. Unpack it", NoCheckpointError, {"model.tar.gz": b"x"}),
    (r"TensorFlow, Flax or MLX", NoCheckpointError, {"config.json": b"{}", "tf_model.h5": b"x"}),
    (r"a download that did not end", NoCheckpointError, {"model.safetensors.incomplete": b"x"}),
    (r"made for diffusers", NoCheckpointError,
     {"model_index.json": b"{}", **{f"text_encoder/{name}": b"{}" for name in WEIGHTS}}),
    (r"folder inside it: out-10, out-9\. .*out-10", NoCheckpointError,
     {f"out-{step}/{name}": b"{}" for name in WEIGHTS for step in (9, 10)}),
    (r"folder inside it: bf16\. .*Put config\.json", NoCheckpointError,
     {"config.json": b"{}", "bf16/model.safetensors": b"x"}),
    (r"shards \(model-00001-of-00002\.safetensors\) and no index", IncompleteWeightsError,
     {"config.json": b"{}", "model-00001-of-00002.safetensors": b"x"}),
    (r"has model\.fp16\.safetensors but neither", NoCheckpointError,
     {"config.json": b"{}", "model.fp16.safetensors": b"x"}),
    (r"names a\.safetensors, which is not there", IncompleteWeightsError,
     {"config.json": b"{}", INDEX: index_of("a.safetensors")}),
    (r"names a shard '\.\./a\.safetensors'", UnsafeCheckpointError,
     {"config.json": b"{}", INDEX: index_of("../a.safetensors")}),
    (r"has no weight_map", IncompleteWeightsError, {"config.json": b"{}", INDEX: b"{}"}),
    (r"weights twice, in model\.safetensors and", UnsafeCheckpointError,
     {**WEIGHTS, "a.safetensors": b"x", INDEX: index_of("a.safetensors")}),
    (r"Git LFS pointers.*\(model\.safetensors\)", IncompleteWeightsError,
     {**WEIGHTS, "model.safetensors": POINTER}),
    (r"Git LFS pointers.*\(config\.json\)", IncompleteWeightsError,
     {**WEIGHTS, "config.json": POINTER}),
    (r"Git LFS pointers.*\(model\.safetensors\.index\.json\)", IncompleteWeightsError,
     {"config.json": b"{}", "a.safetensors": b"x", INDEX: POINTER}),
    (r"quantized \(aqlm\).* from, Qwen/Qwen3-0\.6B", UnsafeCheckpointError,
     quantized(AQLM, **{"README.md": CARD})),
    (r"quantized \(aqlm\)", UnsafeCheckpointError, quantized({"text_config": AQLM})),
    (r"quantized \(4 bits\)", UnsafeCheckpointError,
     quantized({"quantization": {"group_size": 64, "bits": 4}})),
    (r"quantized \(bitsandbytes with both 4 and 8 bits\)", UnsafeCheckpointError,
     quantized({"quantization_config": {"load_in_4bit": True, "load_in_8bit": True}})),
    (r"quantized \(modelopt with quant_algo INT4_AWQ\)", UnsafeCheckpointError,
     {**WEIGHTS, "hf_quant_config.json": b'{"quantization": {"quant_algo": "INT4_AWQ"}}'}),
    (r"quantized \(awq of 3 bits\)", UnsafeCheckpointError,
     {**WEIGHTS, "quant_config.json": b'{"w_bit": 3, "version": "GEMM"}'}),
    (r"quantized \(in several ways", UnsafeCheckpointError,
     quantized({**FP8, "vision_config": {"quantization_config": {"load_in_8bit": True}}})),
    (r"config\.json of \S+ is not JSON", UnsafeCheckpointError, {**WEIGHTS, "config.json": b"{"}),
    (r"holds too many values", UnsafeCheckpointError,
     {**WEIGHTS, "config.json": b'{"a": [' + b"[]," * 2_000_000 + b"1]}"}),
    (r"has a\\u001b\.safetensors but neither", NoCheckpointError,
     {"config.json": b"{}", "a\x1b.safetensors": b"x"}),
]  # fmt: skip

# Files that are loaded, files that only lie beside them, all files.
CHECKPOINTS = [
    (("model.safetensors",), ("mtp.safetensors",), {**WEIGHTS, "mtp.safetensors": b"x"}),
    (("a.safetensors", "b.safetensors"), ("consolidated.safetensors",),
     {"config.json": b"{}", INDEX: index_of("b.safetensors", "a.safetensors", "a.safetensors"),
      "a.safetensors": b"x", "b.safetensors": b"x", "consolidated.safetensors": b"x"}),
    (("model.safetensors",), (), {**WEIGHTS, INDEX: index_of("model.safetensors")}),
    (("model.safetensors",), (),
     quantized({"quantization_config": {"quant_method": "mxfp4"}, "quantization": "none"})),
    (("model.safetensors",), (),
     {**WEIGHTS, "hf_quant_config.json": b'{"quantization": {"quant_algo": null}}'}),
    (("model.safetensors",), (), quantized({**FP8, "text_config": FP8})),
    (("model.safetensors",), (), {**WEIGHTS, "a.gguf": b"x", "pytorch_model.bin": b"x",
                                  "onnx/model.onnx": b"x", "old/model.safetensors": b"x"}),
    (("model.safetensors",), (), quantized(json.loads('{"a":' * 500 + "1" + "}" * 500))),
]  # fmt: skip
