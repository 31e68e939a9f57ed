"""The CUDA sources compile for GPUs that are not here: HUBMAXACT_TEST_NVRTC=1 asks for it."""

import os

import pytest

from hubmaxact.measurement.kernels.cuda.compiler import CudaError, compiled, machine_code
from hubmaxact.measurement.kernels.cuda.formats_kernel import FormatsKind
from hubmaxact.measurement.kernels.cuda.kernel import FORMATS, Kind, constants_for
from hubmaxact.measurement.kernels.cuda.maxima_kernels import ExpertsKind, HeadsKind
from hubmaxact.measurement.kernels.cuda.squares_kernel import SquaresKind
from hubmaxact.measurement.rotary_pairs import Pairs

pytestmark = pytest.mark.skipif(
    "HUBMAXACT_TEST_NVRTC" not in os.environ,
    reason="needs cuda-bindings and nvidia-cuda-nvrtc; a job of its own installs them",
)
LAYOUTS = {"neighbours": 1, "every second value": 2, "any": 0}


@pytest.mark.parametrize(
    ("width", "layout", "is_linear_input"),
    [
        (1, "any", False),
        (4096, "neighbours", False),
        (12_288, "every second value", True),
        (65_535, "any", False),
        (32_767, "any", True),
    ],
)
@pytest.mark.parametrize("architecture", ["sm_80", "sm_89", "sm_90"])
@pytest.mark.parametrize("dtype", FORMATS, ids=str)
def test_every_kind_compiles(dtype, architecture, width, layout, is_linear_input):
    assert _code(Kind(dtype, width, LAYOUTS[layout], is_linear_input), architecture)


@pytest.mark.parametrize(
    ("width", "layout"),
    [(1, "any"), (4096, "neighbours"), (12_288, "every second value"), (32_767, "any")],
)
@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
@pytest.mark.parametrize("dtype", FORMATS, ids=str)
def test_errors_of_formats_compile(dtype, architecture, width, layout):
    assert _code(FormatsKind(dtype, width, LAYOUTS[layout]), architecture)


@pytest.mark.parametrize(
    ("width", "layout", "pairs"),
    [
        (1, "any", None),
        (128, "neighbours", None),
        (576, "neighbours", None),
        (128, "neighbours", Pairs(128)),
        (80, "any", Pairs(20)),
        (4096, "neighbours", Pairs(64, are_neighbours=True)),
    ],
)
@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
@pytest.mark.parametrize("dtype", FORMATS, ids=str)
def test_maxima_of_heads_and_experts_compile(dtype, architecture, width, layout, pairs):
    assert _code(HeadsKind(dtype, width, LAYOUTS[layout], pairs), architecture)
    assert _code(ExpertsKind(dtype, width, LAYOUTS[layout]), architecture)


@pytest.mark.parametrize("width", [1, 768, 4096])
@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
@pytest.mark.parametrize("dtype", FORMATS, ids=str)
def test_squares_of_experts_compile(dtype, architecture, width):
    assert _code(SquaresKind(dtype, width), architecture)


def _code(kind, architecture):
    """Compile, and return what is an ELF file."""
    options = [f"--gpu-architecture={architecture}", "--std=c++17"]
    options += [f"-D{name}={value}" for name, value in kind.constants.items()]
    code = compiled(kind.entry, options)
    return code if code.startswith(b"\x7fELF") else None


def test_what_does_not_compile_is_told_with_the_compilers_own_words():
    with pytest.raises(CudaError, match="WIDTH"):
        compiled("fold.cu", ["--gpu-architecture=sm_90", "--std=c++17", "-DFORMAT=0"])


def test_kept_code_that_was_damaged_is_made_again(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.utils._cache_assets.HF_ASSETS_CACHE", str(tmp_path))
    constants = constants_for(Kind(FORMATS[0], 8, LAYOUTS["neighbours"], is_linear_input=False))
    code = machine_code("fold.cu", "sm_90", constants)
    (kept,) = tmp_path.rglob("*.cubin")
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-1])
    assert machine_code("fold.cu", "sm_90", constants) == code
    assert kept.read_bytes() == whole
