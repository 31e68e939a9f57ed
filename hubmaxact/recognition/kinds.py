"""What people point at instead of a checkpoint: how each kind is known, what it is, what to do.

A kind is known by the names of its files alone; one more kind is one more row. Patterns are those
of a shell, on lower-case paths, where `*` also stands for folders.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from hubmaxact.errors import HubmaxactError, NoCheckpointError, UnsafeCheckpointError


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of what is no checkpoint.

    Attributes:
        patterns: Any file of such a name shows it.
        sentence: What was found and what to do; {found} stands for the files, {origin} for the
            model that the card names as its base, as in ", owner/name".
        unless: Files of such a name do not count.
        error: Class of the refusal.
    """

    patterns: tuple[str, ...]
    sentence: str
    unless: tuple[str, ...] = ()
    error: type[HubmaxactError] = NoCheckpointError

    def found(self, paths: Iterable[str]) -> list[str]:
        """Return the files that show this kind."""
        return [path for path in paths if self._shows(path.lower())]

    def _shows(self, path: str) -> bool:
        shows = any(fnmatchcase(path, pattern) for pattern in self.patterns)
        return shows and not any(fnmatchcase(path, pattern) for pattern in self.unless)


PIPELINE = Kind(
    ("model_index.json", "diffusion_pytorch_model*"),
    "is made for diffusers ({found}), not one language model. Measure the folder of its text "
    "encoder, where that is no half of an encoder-decoder.",
)
"""Its parts are checkpoints by themselves, so it is looked for at the root alone and first."""

KINDS = (
    Kind(
        ("consolidated*.safetensors", "*/consolidated*.safetensors"),
        "has its weights in Mistral's own layout alone ({found}). Use the repository's "
        "transformers files, or convert it with transformers' convert_mistral_weights_to_hf.py.",
    ),
    Kind(
        ("consolidated*.pth", "*/consolidated*.pth"),
        "has its weights in Meta's own layout alone ({found}), which are pickles and can run code "
        "when they are loaded. Use the -hf repository of the model, or convert it with "
        "transformers' convert_llama_weights_to_hf.py.",
        error=UnsafeCheckpointError,
    ),
    Kind(
        ("*.distcp", ".metadata", "*/.metadata", "pytorch_model_fsdp*", "*/pytorch_model_fsdp*"),
        "holds a distributed checkpoint of torch (FSDP, DCP; {found}). Gather its shards with "
        "`accelerate merge-weights`, save the model with save_pretrained, and measure that.",
    ),
    Kind(
        ("*_model_states.pt", "*_optim_states.pt", "zero_to_fp32.py", "*/zero_to_fp32.py"),
        "holds a checkpoint of DeepSpeed ({found}). Gather its shards with "
        "`python zero_to_fp32.py . OUT --safe_serialization`, and measure that beside config.json.",
    ),
    Kind(
        ("*mp_rank_*", "latest_checkpointed_iteration.txt", "*.nemo"),
        "holds a checkpoint of Megatron or NeMo ({found}). Export it to transformers first.",
    ),
    Kind(
        ("*.gguf", "*.ggml", "ggml-*.bin", "*/ggml-*.bin", "*.llamafile"),
        "has its weights as GGUF alone ({found}). Measure the model that they were converted "
        "from{origin}.",
    ),
    Kind(
        ("*.onnx", "*.onnx_data", "*.onnx.data"),
        "has its weights as ONNX alone ({found}). Measure the model that they were exported "
        "from{origin}.",
    ),
    Kind(
        (
            "*openvino*.xml",
            "*openvino*.bin",
            "*.mlpackage/*",
            "*.mlmodelc/*",
            "*.tflite",
            "*.pte",
            "*.litertlm",
            "*.task",
            "*.engine",
            "*.mnn",
            "*.rknn",
            "vocabulary.json",
            "vocabulary.txt",
            "shared_vocabulary.*",
            "*mlc-chat-config.json",
            "*params_shard_*.bin",
        ),
        "holds a model made ready for another engine ({found}). Measure the model that it was "
        "converted from{origin}.",
    ),
    Kind(
        (
            "tf_model*.h5",
            "*/tf_model*.h5",
            "*.keras",
            "*.weights.h5",
            "saved_model.pb",
            "*/saved_model.pb",
            "flax_model*.msgpack",
            "*/flax_model*.msgpack",
            "*.ocdbt",
            "*weights*.npz",
        ),
        "has weights of TensorFlow, Flax or MLX alone ({found}). Load them in transformers, save "
        "the model with save_pretrained, and measure that.",
    ),
    Kind(
        ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle"),
        "has only pickled weights ({found}), which can run code when they are loaded. Convert them "
        "to safetensors first: https://huggingface.co/spaces/safetensors/convert",
        # What a trainer keeps for itself.
        unless=("*training_args.bin", "*optimizer*", "*scheduler*", "*rng_state*", "*scaler*"),
        error=UnsafeCheckpointError,
    ),
    Kind(
        ("*.incomplete", "*.part", "*.aria2", "*.crdownload", "*.download"),
        "is a download that did not end ({found}). Start it again; `hf download` goes on where it "
        "stopped.",
    ),
    Kind(
        ("*.zip", "*.tar", "*.tar.*", "*.tgz", "*.7z"),
        "has no weights, but an archive ({found}). Unpack it and measure the folder inside.",
    ),
)
"""Looked for in this order, at the root first."""
