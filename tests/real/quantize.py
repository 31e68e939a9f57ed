"""Writes a checkpoint as llm-compressor releases it, in one of four formats.

    PYTHONPATH=tests:build/quantizers python -m real.quantize fp8 CHECKPOINT FOLDER

Its own arithmetic and its own writer (tests/quantizers.txt): scales from the largest value, codes
rounded to nearest, every linear map but the head.
"""

import argparse
import tempfile
from pathlib import Path

# Its own scheme of W4A16 takes groups of 128, which do not divide SmolLM2's 576 channels.
BY_64 = {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 64}
SCHEMES = {
    "fp8": {"scheme": "FP8_DYNAMIC", "targets": ["Linear"]},
    "int8": {"scheme": "W8A8", "targets": ["Linear"]},
    "w4a16": {"config_groups": {"group_0": {"targets": ["Linear"], "weights": BY_64}}},
    "nvfp4": {"scheme": "NVFP4", "targets": ["Linear"]},
}
TEXTS = ("The quick brown fox", "def f(x):\n    return x + 1", "12 + 30 = 42")
"""What NVFP4's scales of inputs are calibrated with; no weight depends on them."""


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("scheme", choices=SCHEMES)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("folder", type=Path, help="must not be there; written whole or not at all")
    options = parser.parse_args()
    if options.folder.exists():
        parser.error(f"{options.folder} is there already")
    with tempfile.TemporaryDirectory(dir=options.folder.parent) as place:
        quantize(options.checkpoint, options.scheme, Path(place) / "made")
        (Path(place) / "made").rename(options.folder)


def quantize(checkpoint, scheme, folder):
    """Quantize a checkpoint and save it with its tokenizer."""
    import llmcompressor
    import torch
    from datasets import Dataset
    from llmcompressor.modifiers.quantization import QuantizationModifier
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    llmcompressor.oneshot(
        model=AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.bfloat16),
        recipe=[QuantizationModifier(ignore=["lm_head"], **SCHEMES[scheme])],
        dataset=Dataset.from_list([dict(tokenizer(text)) for text in TEXTS]),
        num_calibration_samples=len(TEXTS),
        processor=tokenizer,
        output_dir=str(folder),
        pipeline="basic",
    )


if __name__ == "__main__":
    main()
