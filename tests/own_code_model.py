"""A tiny checkpoint that transformers has no class for: trained weights, and code beside them."""

import json
import shutil

from command import DENSE

CONFIGURATION = """
from transformers import Qwen3Config


class TinyConfig(Qwen3Config):
    model_type = "tiny"
"""
MODELING = """
from transformers import Qwen3ForCausalLM

from .configuration_tiny import TinyConfig
{first}

class TinyForCausalLM(Qwen3ForCausalLM):
    config_class = TinyConfig
"""
AUTO_MAP = {
    "AutoConfig": "configuration_tiny.TinyConfig",
    "AutoModelForCausalLM": "modeling_tiny.TinyForCausalLM",
}
CODE = ["configuration_tiny.py", "modeling_tiny.py"]


def own_code_model(*, first="", **changes):
    """Files by name; `first` runs when the model's code is imported, `changes` are of config.json.

    A file of code that nothing leads to lies there too.
    """
    files = {path.name: path.read_bytes() for path in DENSE.iterdir()}
    config = json.loads(files["config.json"]) | {
        "model_type": "tiny",
        "architectures": ["TinyForCausalLM"],
        "auto_map": AUTO_MAP,
    }
    return files | {
        "config.json": json.dumps(config | changes).encode(),
        "configuration_tiny.py": CONFIGURATION.encode(),
        "modeling_tiny.py": MODELING.format(first=first).encode(),
        "unreached.py": b"raise SystemExit",
    }


def write(folder, files):
    """The same as a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder
