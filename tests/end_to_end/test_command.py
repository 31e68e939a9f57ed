"""`measure --end-to-end` as it is typed: a report that says it all, and what is refused."""

import json
import shutil

import pytest
from command import DENSE, hubmaxact_here
from safetensors.torch import load_file, save_file

from hubmaxact.rendering import section
from hubmaxact.report.read import read_report

TEXTS = [
    "Rounding is applied where a kernel rounds.",
    "def f(x):\n    return x + 1",
    "One and one are two, and two and two are four.",
    "The cat sat on the mat, and the dog slept by the door.",
    "a",
]
WAYS = ("int8/per_token,nvfp4", "kv:float8_e4m3fn/unscaled", "residual:int8")
SPLITS = ("--calibration-samples", 2, "--evaluation-samples", 3)


@pytest.fixture
def folder(tmp_path):
    lines = [json.dumps({"text": text}) for text in TEXTS]
    (tmp_path / "texts.jsonl").write_text("\n".join(lines))
    return tmp_path


def run(folder, *words, checkpoint=DENSE):
    """Measure, end to end."""
    asked = [word for way in WAYS for word in ("--end-to-end", way)]
    given = ("--corpus", "texts.jsonl", "--profile", "deployment", "--output", "report.json")
    return hubmaxact_here("measure", checkpoint, *given, *asked, *words, cwd=folder)


def test_a_report_holds_a_row_for_each_way(folder):
    done = run(folder, *SPLITS)
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    report = read_report(folder / "report.json")
    found = report["end_to_end"]
    rows = found["rows"]
    assert [(row["target"], row["format"], row["policy"]) for row in rows] == [
        ("linear_inputs", "int8", "dynamic"),
        ("linear_inputs", "nvfp4", "max_abs"),
        ("kv", "float8_e4m3fn", "unscaled"),
        ("residual", "int8", "max_abs"),
    ]
    assert all(row["reason"] is None and row["kl_divergence"]["mean"] > 0 for row in rows)
    assert (found["seed"], found["resamples"], found["confidence"]) == (0, 10_000, 0.95)
    assert "Running the evaluation texts 5 times in 1 batch" in done.stderr
    assert "linear inputs: INT8" in done.stdout
    assert "| residual stream: INT8, one scale from the maximum |" in section.render(report)
    first = (folder / "report.json").read_bytes()
    assert run(folder, *SPLITS).returncode == 0
    assert (folder / "report.json").read_bytes() == first


@pytest.mark.nightly
def test_a_plan_says_what_runs_again(folder):
    done = run(folder, *SPLITS, "--plan")
    assert done.returncode == 0, done.stderr
    assert "1 evaluation batch again, 5 times" in done.stdout


def test_too_few_texts_are_refused_before_anything_is_loaded(folder):
    done = run(folder)
    assert done.returncode == 2
    assert done.stderr.endswith(
        "needs at least one calibration text and one evaluation text, and all that are asked for: "
        "128 and 256; the corpus has 5 texts. Use --calibration-samples and --evaluation-samples.\n"
    )
    assert "Loading" not in done.stderr


def without_head(folder, **config):
    """The dense model without its lm_head, its configuration changed."""
    checkpoint = shutil.copytree(DENSE, folder / "model")
    said = json.loads((checkpoint / "config.json").read_text())
    (checkpoint / "config.json").write_text(json.dumps(said | config))
    weights = load_file(checkpoint / "model.safetensors")
    weights.pop("lm_head.weight", None)
    save_file(weights, checkpoint / "model.safetensors", metadata={"format": "pt"})
    return checkpoint


def test_a_head_that_is_missing_is_named(folder):
    checkpoint = without_head(folder, tie_word_embeddings=False)
    done = run(folder, *SPLITS, checkpoint=checkpoint)
    assert done.returncode == 2
    assert done.stderr.endswith(
        "hubmaxact: --end-to-end needs the head that predicts tokens, and model has no "
        "lm_head.weight. Measure it without --end-to-end.\n"
    )
    assert "Measuring" not in done.stderr


def test_an_architecture_without_a_head_is_named(folder):
    stored = json.loads((DENSE / "config.json").read_text())["architectures"][0]
    base = stored.replace("ForCausalLM", "Model")
    checkpoint = without_head(folder, architectures=[base])
    for words in ((), ("--plan",)):
        done = run(folder, *SPLITS, *words, checkpoint=checkpoint)
        assert done.returncode == 2
        assert done.stderr.endswith(
            f"--end-to-end needs a head that predicts tokens, and {base}, which config.json of "
            "model names, has none. Measure it without --end-to-end.\n"
        )
