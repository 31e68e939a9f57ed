"""What expanding quantized weights costs: loading each format over loading the same model in bf16.

    python benchmarks/expanding.py [CHECKPOINT] [FORMAT...]

CHECKPOINT is an unquantized folder; without one, a Llama of 1 GB is made of one layer of random
weights, repeated. It is written in each format of `tests/quantized/makers.py`. A load is what
`hubmaxact measure` does, tokenizer included, from files in the page cache; loads of bf16 and of a
format alternate in one process, and ratios are of the least of each.

bf16 is mapped, and loading it reads none of its numbers. The third column is therefore a load and
then one read of every weight, as a first forward pass reads them, for both. The last column is what
a process of its own that loads the format once held beyond what it holds afterwards, the model
among it (Linux alone).
"""

import gc
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, NamedTuple

import torch
from transformers import AutoConfig, AutoModelForCausalLM

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from quantized.checkpoint import read, write  # noqa: E402 found by the line above
from quantized.makers import make  # noqa: E402 found by the line above

from hubmaxact.measurement.checkpoint.load import load  # noqa: E402 likewise
from hubmaxact.measurement.checkpoint.weight_files import inspect  # noqa: E402 likewise

FORMATS = (
    "fp8", "fp8-tensor", "mxfp8", "ct-w8a8", "ct-int4", "ct-int3", "ct-int4-act-order", "ct-nvfp4",
    "ct-mxfp4", "gptq", "gptq-act-order", "awq", "bnb-nf4-double", "bnb-int8",
)  # fmt: skip
REPETITIONS = 5
LLAMA: dict[str, Any] = {
    "hidden_size": 2048, "intermediate_size": 5632, "num_hidden_layers": 1,
    "num_attention_heads": 32, "num_key_value_heads": 4, "vocab_size": 32000,
    "tie_word_embeddings": True,
}  # fmt: skip
"""The shape of TinyLlama-1.1B, of which one layer is made."""
LAYERS = 10


class Cost(NamedTuple):
    """Seconds of a load."""

    clock: float
    cores: float  # of all cores
    read: float  # by the clock, until every weight was read once


def random_llama(folder: Path) -> Path:
    """Write random weights, with the tokenizer of a tiny model of the tests."""
    config = AutoConfig.for_model("llama", **LLAMA)
    AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).save_pretrained(folder)
    for file in (ROOT / "tests" / "models" / "dense").glob("token*"):
        shutil.copyfile(file, folder / file.name)
    return folder


def repeated(folder: Path) -> Path:
    """Give a checkpoint of one layer as many as `LAYERS`; returns its folder."""
    one = read(folder)
    tensors = {
        name.replace(".layers.0.", f".layers.{layer}."): tensor
        for name, tensor in one.tensors.items()
        for layer in range(LAYERS if ".layers.0." in name else 1)
    }
    write(replace(one, tensors=tensors, config=one.config | {"num_hidden_layers": LAYERS}), folder,
          ROOT / "tests" / "models" / "dense")  # fmt: skip
    return folder


def timed(folder: Path) -> Cost:
    """Load once."""
    gc.collect()  # else one falls always into the same one of two loads that alternate
    files, clock, cores = inspect(folder), perf_counter(), process_time()
    loaded = load(files)
    clock, cores, reading = perf_counter() - clock, process_time() - cores, perf_counter()
    for weight in loaded.model.parameters():
        weight.view(torch.int16).max()
    return Cost(clock, cores, clock + perf_counter() - reading)


def compare(base: Path, folder: Path) -> Cost:
    """Ratios of a format to bf16; the least of alternating loads."""
    timed(base), timed(folder)  # the files are read from disk, and code is compiled
    plain, quantized = zip(*((timed(base), timed(folder)) for _ in range(REPETITIONS)), strict=True)
    least, of_plain = (map(min, zip(*runs, strict=True)) for runs in (quantized, plain))
    return Cost(*(one / other for one, other in zip(least, of_plain, strict=True)))


def beside(folder: Path) -> float:
    """MiB that a process of its own held at most beside what it held once a folder was loaded."""
    command = [sys.executable, __file__, "--beside", str(folder)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def report_beside(folder: Path) -> None:
    """Load, and print what this process has held beyond what it holds, in MiB."""
    loaded = load(inspect(folder))  # kept while memory is read
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    held = {name: int(rest.split()[0]) for name, _, rest in (x.partition(":") for x in lines)
            if name in {"VmHWM", "VmRSS"}}  # fmt: skip
    print((held["VmHWM"] - held["VmRSS"]) / 1024)
    del loaded


def main(*words: str) -> None:
    """Print a table."""
    given = bool(words) and Path(words[0]).is_dir()
    with tempfile.TemporaryDirectory() as made:
        one = Path(words[0]) if given else random_llama(Path(made) / "llama")
        base = one if given else repeated(Path(shutil.copytree(one, Path(made) / "long")))
        print("| format | seconds | seconds of all cores | and read once | MiB beside the model |")
        print("| --- | --- | --- | --- | --- |")
        print(f"| bf16 | 1 | 1 | 1 | {beside(base):.0f} |", flush=True)
        for name in words[given:] or FORMATS:
            folder = make(name, one, Path(made) / name)
            cost = compare(base, folder if given else repeated(folder))
            ratios = " | ".join(f"{ratio:.2f}" for ratio in cost)
            print(f"| {name} | {ratios} | {beside(folder):.0f} |", flush=True)
            shutil.rmtree(folder)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--beside"]:
        report_beside(Path(sys.argv[2]))
    else:
        main(*sys.argv[1:])
