"""The environment of a process with strangers' code: what is named here, and nothing else."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from hubmaxact.confinement.namespaces import PRIVATE

KEPT = (
    "CUDA_DEVICE_ORDER",
    "CUDA_VISIBLE_DEVICES",
    "GOMP_SPINCOUNT",
    "HIP_VISIBLE_DEVICES",
    "HUBMAXACT_DEBUG",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "MKL_CBWR",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OMP_WAIT_POLICY",
    "PATH",
    "PYTHONHASHSEED",
    "PYTORCH_ALLOC_CONF",
    "PYTORCH_CUDA_ALLOC_CONF",
    "TZ",
)
"""What decides where a run computes and how it rounds; no variable of these holds a secret."""

SET = {
    "HF_HOME": f"{PRIVATE}/huggingface",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "HF_MODULES_CACHE": f"{PRIVATE}/modules",
    "HF_TOKEN_PATH": f"{PRIVATE}/no-token",
    "HOME": str(PRIVATE),
    "TMPDIR": str(PRIVATE),
    "USER": "confined",
}
"""Nothing is where programs look for a token, a password or a key."""


def variables(now: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the whole environment of such a process.

    Args:
        now: The environment of this one.

    Returns:
        What is kept of it, and what is set; packages are found where they are found here.
    """
    kept = {name: now[name] for name in KEPT if name in now}
    return {**kept, **SET, "PYTHONPATH": os.pathsep.join(_packages())}


def _packages() -> list[str]:
    """Where packages are found; not in the folder that Python was started in, `python -m` or not.

    That may be somebody's home, and the process could read it.
    """
    here, ours = Path.cwd(), Path(__file__).parents[2]
    paths = [path for path in sys.path if os.path.isabs(path)]  # noqa: PTH117
    return [path for path in paths if Path(path) != here or here == ours]
