"""What GPTQ and AWQ declare, and gpt-oss: weights alone are quantized, inputs are not."""

from hubmaxact.stored_weights.entries import Said, one_of, said_briefly, size
from hubmaxact.stored_weights.group import Group
from hubmaxact.stored_weights.storage import Scheme
from hubmaxact.stored_weights.table import AWQ, GPTQ, MXFP4_EXPERTS
from hubmaxact.stored_weights.unknown import UnknownStorageError

GPTQ_BITS = (2, 3, 4, 8)
GPTQ_FORMATS = ("gptq", "gptq_v2")
MXFP4_COLUMNS = 32


def gptq(said: Said) -> list[Group]:
    """Read `gptq`: zero points are stored less one, but in the second format.

    Args:
        said: What the configuration says.

    Returns:
        One group.

    Raises:
        UnknownStorageError: Other bits, or a layout of one kernel.
    """
    one_of(said.get("bits"), GPTQ_BITS, "gptq of {} bits")
    if said.get("is_marlin_format"):
        raise UnknownStorageError("gptq in the format of marlin")
    form = said.get("checkpoint_format") or said.get("format") or "gptq"
    one_of(form, GPTQ_FORMATS, "gptq in the format {}")
    scheme = Scheme(
        storage=GPTQ,
        bits=said["bits"],
        group_size=size(said, "group_size", "gptq"),
        offset_zeros=form != "gptq_v2",
    )
    return [Group(scheme)]


def awq(said: Said) -> list[Group]:
    """Read `awq`, as transformers or the tool itself writes it.

    Args:
        said: What the configuration says.

    Returns:
        One group.

    Raises:
        UnknownStorageError: Other bits, or another layout than gemm.
    """
    one_of(said.get("bits", said.get("w_bit")), (4,), "awq of {} bits")
    version = said.get("version") or said.get("format") or "gemm"
    if not isinstance(version, str) or version.lower() != "gemm":
        raise UnknownStorageError(f"awq of version {said_briefly(version)}")
    key = "group_size" if "group_size" in said else "q_group_size"
    return [Group(Scheme(storage=AWQ, bits=4, group_size=size(said, key, "awq")))]


def mxfp4(said: Said) -> list[Group]:  # noqa: ARG001 it says nothing of weights
    """Read `mxfp4`: the experts of gpt-oss.

    Args:
        said: What the configuration says.

    Returns:
        A group for each of the two tensors of a layer.
    """
    return [
        Group(Scheme(storage=storage, bits=4, group_size=MXFP4_COLUMNS))
        for storage in MXFP4_EXPERTS
    ]
