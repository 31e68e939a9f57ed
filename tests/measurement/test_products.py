"""How a run multiplies: chosen by the processor, recorded, and made again by whoever repeats it."""

import copy
import functools
import json
import os
import platform
import subprocess
import sys

import pytest
from accelerate.hooks import AlignDevicesHook
from command import DENSE
from oracle import tiny

from hubmaxact import Options, measure
from hubmaxact.measurement.execution import products
from hubmaxact.measurement.watcher import Watcher
from hubmaxact.report.validate import validate
from hubmaxact.verification.verify import verify


@pytest.mark.by_day("said0-10000")
@pytest.mark.parametrize(
    ("said", "set_to"),
    [({}, "10000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "None")],
)
def test_libraries_are_told_how_to_round_and_how_to_wait(said, set_to):
    """Where tensors lie decides no bit; threads sleep soon, unless somebody has said otherwise."""
    told = (
        "import os\nfrom hubmaxact.measurement import libraries\nlibraries.load()\n"
        "import torch\nprint(torch.backends.cpu.get_cpu_capability(), os.environ.get('MKL_CBWR'))\n"
        "print(os.environ.get('GOMP_SPINCOUNT'))"
    )
    without = {k: v for k, v in os.environ.items() if k not in {"MKL_CBWR", "GOMP_SPINCOUNT"}}
    ran = subprocess.run(
        [sys.executable, "-c", told], capture_output=True, text=True, check=True, env=without | said
    )
    instructions, blas, waiting = ran.stdout.split()
    assert blas == (f"{instructions},STRICT" if instructions in {"AVX2", "AVX512"} else "None")
    assert waiting == set_to


@pytest.fixture(scope="module")
def model():
    return tiny.random_model("qwen3", seed=1)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_only_a_cpu_without_instructions_multiplies_in_float32_by_itself(model, dtype):
    here = "native" if products.has_instructions(dtype) else "float32"
    assert products.products_for("auto", dtype, model) == here
    elsewhere = copy.deepcopy(model).to("meta")
    elsewhere.get_input_embeddings()._hf_hook = AlignDevicesHook(execution_device="cuda")
    assert products.products_for("auto", dtype, elsewhere) == "native"
    for asked in ("native", "float32"):
        assert products.products_for(asked, dtype, model) == asked
    assert products.products_for("float32", "float32", model) == "native"


@pytest.mark.parametrize(
    ("dtype", "chosen", "told"),
    [
        ("bfloat16", "native", "Products are made in bfloat16 itself."),
        ("float16", "float32", "Products are made in float32 and each result is rounded once to "),
        ("float32", "native", ""),
    ],
)
def test_what_auto_came_to_is_told(dtype, chosen, told):
    said = products.told_of_choice(dtype, chosen)
    assert said.startswith(told)
    assert bool(said) == bool(told)


class Heard(Watcher):
    def __init__(self):
        self.notes = []

    def note(self, sentence):
        self.notes.append(sentence)


@pytest.mark.by_day("auto-1")
@pytest.mark.parametrize(("chosen", "times"), [("auto", 1), ("native", 0)])
def test_it_is_told_once_and_only_where_nobody_chose(tmp_path, chosen, times):
    (tmp_path / "one.jsonl").write_text('{"text": "fine"}\n')
    heard = Heard()
    corpus = str(tmp_path / "one.jsonl")
    measure(DENSE, Options(corpus=corpus, device="cpu", products=chosen), watcher=heard)
    assert sum(note.startswith("Products are made ") for note in heard.notes) == times


@pytest.mark.nightly
@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="oneDNN's names of x86")
def test_a_processor_without_instructions_is_known():
    code = "from hubmaxact.measurement.execution.products import has_instructions as f\n"
    code += "print(f('bfloat16'), f('float16'))"
    env = os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX2"}
    told = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True)
    assert told.stdout.split() == [b"False", b"False"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    corpus = tmp_path_factory.mktemp("products") / "texts.jsonl"
    texts = ("The ferry left at nine.", "x = 7; y = x * 6", "Тихий вечер.") * 2
    corpus.write_text("".join(f"{json.dumps({'text': text})}\n" for text in texts))
    choices = {"corpus": str(corpus), "calibration_samples": 2, "evaluation_samples": 2}

    def run(chosen):
        return measure(DENSE, Options(**choices, device="cpu", products=chosen)), str(corpus)

    return run


@pytest.fixture(scope="module")
def once(run):
    """The run of each choice, made once."""
    return functools.cache(run)


@pytest.mark.by_day("float32")
@pytest.mark.parametrize("chosen", ["native", "float32"])
def test_what_was_chosen_is_recorded_and_verified_to_the_bit(once, chosen):
    report, corpus = once(chosen)
    assert report["environment"]["products"] == chosen
    assert validate(report) == []
    checks = list(verify(report, DENSE, corpus=corpus, device="cpu"))
    assert all(check.passed for check in checks)
    assert any("equal bits" in check.detail for check in checks)


def test_the_choice_moves_bits_and_nothing_else(once):
    native, wide = (once(chosen)[0] for chosen in ("native", "float32"))
    assert native["sites"] != wide["sites"]
    assert [s["module"] for s in native["sites"]] == [s["module"] for s in wide["sites"]]
    assert [s["count"] for s in native["sites"]] == [s["count"] for s in wide["sites"]]


@pytest.mark.nightly
def test_a_report_from_before_the_field_multiplied_natively(once):
    report, corpus = copy.deepcopy(once("native"))
    del report["environment"]["products"]
    assert validate(report) == []
    checks = list(verify(report, DENSE, corpus=corpus, device="cpu"))
    assert any("equal bits" in check.detail for check in checks)
    assert all(check.passed for check in checks)
