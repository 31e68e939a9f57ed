"""A checkpoint in memory: what makers of quantized releases take and give."""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from safetensors.torch import load_file, save_file


@dataclass(frozen=True)
class Checkpoint:
    """Tensors and config.json; `modelopt` is what hf_quant_config.json says, if there is one."""

    tensors: dict
    config: dict
    modelopt: dict | None = None

    def quantized(self, tensors, said):
        """The same model with other tensors and `quantization_config`."""
        return replace(self, tensors=tensors, config=self.config | {"quantization_config": said})

    def maps(self, keep=lambda module: False):
        """(module, float32 weight) of what releases quantize: matrices of layers but routers."""
        for name, weight in self.tensors.items():
            module = name.removesuffix(".weight")
            is_map = name.endswith(".weight") and weight.dim() == 2 and "layers." in name
            if is_map and not module.endswith((".gate", ".router")) and not keep(module):
                yield module, weight.float()

    def kept(self, modules):
        """The tensors that stay as they are when these modules' weights go."""
        gone = {f"{module}.weight" for module in modules}
        return {name: tensor for name, tensor in self.tensors.items() if name not in gone}


def read(folder):
    """Read a plain checkpoint, all of its shards."""
    tensors = {}
    for shard in sorted(Path(folder).glob("*.safetensors")):
        tensors |= load_file(shard)
    return Checkpoint(tensors, json.loads((Path(folder) / "config.json").read_text()))


def write(checkpoint, folder, tokenizer):
    """Write one shard, the configuration, and the tokenizer of another folder."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # Clones: safetensors wants tensors that share no memory.
    tensors = {name: tensor.contiguous().clone() for name, tensor in checkpoint.tensors.items()}
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    write_json(folder / "config.json", checkpoint.config)
    if checkpoint.modelopt is not None:
        write_json(folder / "hf_quant_config.json", checkpoint.modelopt)
    for file in Path(tokenizer).glob("token*"):
        shutil.copyfile(file, folder / file.name)


def write_json(path, content):
    path.write_text(json.dumps(content, indent=2) + "\n")
