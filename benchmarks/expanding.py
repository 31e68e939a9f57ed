"""What expanding quantized weights costs: loading each format over loading the same model in bf16.

    python benchmarks/expanding.py [CHECKPOINT] [FORMAT...]

CHECKPOINT is an unquantized folder; without one, a Llama of 135 million random weights is made. It
is written in each format of `tests/quantized/makers.py`. A load is what `hubmaxact measure` does,
tokenizer included, from files in the page cache; loads of bf16 and of a format alternate in one
process, and ratios are of the least of each; bf16 is mapped, and its numbers are not even read. The
last column is what a process of its own that loads the format once held beyond what it holds
afterwards, the model among it (Linux alone).
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from quantized.makers import make  # noqa: E402 found by the line above

from hubmaxact.measurement.checkpoint.load import load  # noqa: E402 likewise
from hubmaxact.measurement.checkpoint.weight_files import inspect  # noqa: E402 likewise

FORMATS = (
    "fp8", "fp8-tensor", "mxfp8", "ct-w8a8", "ct-int4", "ct-int3", "ct-int4-act-order", "ct-nvfp4",
    "ct-mxfp4", "gptq", "gptq-act-order", "awq", "bnb-nf4-double", "bnb-int8",
)  # fmt: skip
REPETITIONS = 5
LLAMA: dict[str, Any] = {
    "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
    "num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 49152,
    "tie_word_embeddings": True,
}  # fmt: skip
"""The shape of SmolLM2-135M."""


def random_llama(folder: Path) -> Path:
    """Write random weights, with the tokenizer of a tiny model of the tests."""
    import shutil

    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model("llama", **LLAMA)
    AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).save_pretrained(folder)
    for file in (ROOT / "tests" / "models" / "dense").glob("token*"):
        shutil.copyfile(file, folder / file.name)
    return folder


def timed(folder: Path) -> tuple[float, float]:
    """Seconds of one load: by the clock, and of all cores."""
    files, clock, cores = inspect(folder), perf_counter(), process_time()
    load(files)
    return perf_counter() - clock, process_time() - cores


def compare(base: Path, folder: Path) -> tuple[float, float]:
    """Ratios of a format to bf16, by the clock and of all cores; the least of alternating loads."""
    timed(base), timed(folder)  # the files are read from disk, and code is compiled
    pairs = [(timed(base), timed(folder)) for _ in range(REPETITIONS)]
    plain, quantized = zip(*pairs, strict=True)
    clock, cores = (
        min(run[clock_or_cores] for run in quantized) / min(run[clock_or_cores] for run in plain)
        for clock_or_cores in (0, 1)
    )
    return clock, cores


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
        base = Path(words[0]) if given else random_llama(Path(made) / "llama")
        print("| format | seconds | seconds of all cores | MiB beside the model |")
        print("| --- | --- | --- | --- |")
        print(f"| bf16 | 1 | 1 | {beside(base):.0f} |", flush=True)
        for name in words[given:] or FORMATS:
            folder = make(name, base, Path(made) / name)
            clock, cores = compare(base, folder)
            print(f"| {name} | {clock:.2f} | {cores:.2f} | {beside(folder):.0f} |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--beside"]:
        report_beside(Path(sys.argv[2]))
    else:
        main(*sys.argv[1:])
