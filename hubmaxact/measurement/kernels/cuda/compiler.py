"""Machine code from the sources beside this module, by NVRTC, which torch's CUDA builds bring.

Compiled on the user's machine for its own GPU, without a toolkit; kept in the Hub's asset cache.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from huggingface_hub import cached_assets_path

SOURCES = Path(__file__).parent
OPTIONS = ("--std=c++17",)
DIGEST_BYTES = hashlib.sha256().digest_size  # before the code in a kept file


class CudaError(RuntimeError):
    """A call to the compiler or to the driver failed."""


def succeeded(answer: tuple[Any, ...]) -> Any:
    """What a call of cuda.bindings returned beside its status.

    Args:
        answer: The status, then whatever the call returns.

    Returns:
        The only value, a tuple of several, or None.

    Raises:
        CudaError: The status is an error.
    """
    status, *values = answer
    if int(status):
        raise CudaError(f"{type(status).__name__}.{status.name}")
    return values[0] if len(values) == 1 else tuple(values) or None


def machine_code(entry: str, architecture: str, defines: Mapping[str, int]) -> bytes:
    """The kernel for one kind of GPU and one width of rows, from the cache or compiled.

    Args:
        entry: Name of the source.
        architecture: As NVRTC names it, such as "sm_90".
        defines: Constants of the sources.

    Returns:
        A cubin.

    Raises:
        CudaError: The sources do not compile; the message is the compiler's log.
    """
    options = [f"--gpu-architecture={architecture}", *OPTIONS]
    options += [f"-D{name}={value}" for name, value in sorted(defines.items())]
    place = _place(entry, options)
    code = _kept(place)
    if code is None:
        code = compiled(entry, options)
        _keep(code, place)
    return code


def compiled(entry: str, options: list[str]) -> bytes:
    """Compile a source.

    Args:
        entry: Its name.
        options: For the compiler, the architecture and the constants included.

    Returns:
        A cubin.

    Raises:
        CudaError: They do not compile; the message is the compiler's log.
    """
    from cuda.bindings import nvrtc

    headers = sorted(SOURCES.glob("*.cuh"))
    program = succeeded(
        nvrtc.nvrtcCreateProgram(
            (SOURCES / entry).read_bytes(),
            entry.encode(),
            len(headers),
            [header.read_bytes() for header in headers],
            [header.name.encode() for header in headers],
        )
    )
    given = [option.encode() for option in options]
    (status,) = nvrtc.nvrtcCompileProgram(program, len(given), given)
    if int(status):
        log = bytearray(succeeded(nvrtc.nvrtcGetProgramLogSize(program)))
        succeeded(nvrtc.nvrtcGetProgramLog(program, log))
        raise CudaError(log.decode(errors="replace").rstrip("\0\n "))
    code = bytearray(succeeded(nvrtc.nvrtcGetCUBINSize(program)))
    succeeded(nvrtc.nvrtcGetCUBIN(program, code))
    succeeded(nvrtc.nvrtcDestroyProgram(program))
    return bytes(code)


def _place(entry: str, options: list[str]) -> Path:
    """Where the code is kept: the name tells the sources, the options and the compiler."""
    from cuda.bindings import nvrtc

    told = entry, options, succeeded(nvrtc.nvrtcVersion())
    digest = hashlib.sha256(repr(told).encode())
    for source in sorted(SOURCES.glob("*.cu*")):
        digest.update(source.read_bytes())
    return Path(cached_assets_path("hubmaxact", "kernels")) / f"{digest.hexdigest()}.cubin"


def _kept(place: Path) -> bytes | None:
    """What was kept; None where nothing is, or something else than was written."""
    try:
        kept = place.read_bytes()
    except OSError:
        return None
    digest, code = kept[:DIGEST_BYTES], kept[DIGEST_BYTES:]
    return code if hashlib.sha256(code).digest() == digest else None


def _keep(code: bytes, place: Path) -> None:
    """Whole or not at all; where nothing can be written, it is compiled again next time."""
    aside: Path | None = None
    try:
        with NamedTemporaryFile(dir=place.parent, delete=False) as file:
            aside = Path(file.name)
            file.write(hashlib.sha256(code).digest() + code)
        aside.replace(place)
    except OSError:
        if aside is not None:
            aside.unlink(missing_ok=True)
