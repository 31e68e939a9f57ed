"""The CUDA sources compile for GPUs that are not here: HUBMAXACT_TEST_NVRTC=1 asks for it."""

import os

import pytest

from hubmaxact.measurement.kernels.cuda.compiler import CudaError, compiled
from hubmaxact.measurement.kernels.cuda.kernel import constants_for

pytestmark = pytest.mark.skipif(
    "HUBMAXACT_TEST_NVRTC" not in os.environ,
    reason="needs cuda-bindings and nvidia-cuda-nvrtc; a job of its own installs them",
)
LAYOUTS = {"neighbours": 1, "every second value": 2, "any": 0}


@pytest.mark.parametrize(
    ("width", "layout"),
    [(1, "any"), (4096, "neighbours"), (12_288, "every second value"), (65_535, "any")],
)
@pytest.mark.parametrize("architecture", ["sm_80", "sm_89", "sm_90"])
def test_every_width_and_layout_compiles(architecture, width, layout):
    constants = constants_for(width, LAYOUTS[layout])
    options = [f"--gpu-architecture={architecture}", "--std=c++17"]
    code = compiled(options + [f"-D{name}={value}" for name, value in constants.items()])
    assert code.startswith(b"\x7fELF")


def test_what_does_not_compile_is_told_with_the_compilers_own_words():
    with pytest.raises(CudaError, match="WIDTH"):
        compiled(["--gpu-architecture=sm_90", "--std=c++17"])
