"""What transformers' own FP8 methods and fbgemm's declare."""

from hubmaxact.stored_weights.entries import Said, one_of, sides, text
from hubmaxact.stored_weights.group import Group
from hubmaxact.stored_weights.storage import RoundedInput, Scheme
from hubmaxact.stored_weights.table import FP8, SCALED
from hubmaxact.stored_weights.unknown import UnknownStorageError

E4M3 = frozenset({"F8_E4M3"})
PACKED_FP4 = frozenset({"I8", "U8"})
MXFP8_BLOCK = (1, 32)
FP4_GROUP = 32  # columns of an expert's FP4 weight


def fp8(said: Said) -> list[Group]:
    """Read `fp8` and `mxfp8`: one E4M3 code for each weight, FP4 experts beside them if declared.

    Args:
        said: What the configuration says.

    Returns:
        Groups by the names of the scales: transformers' and, as vLLM's first tool wrote them,
        `weight_scale`.

    Raises:
        UnknownStorageError: The codes are of another kind.
    """
    method = text(said, "quant_method") or "fp8"
    one_of(said.get("fmt", "e4m3"), ("e4m3", None), f"{method} with fmt {{}}")
    one_of(said.get("expert_dtype"), ("fp8", "fp4", None), f"{method} with experts in {{}}")
    block = sides(said, "weight_block_size", method)
    if block is None and method == "mxfp8":
        block = MXFP8_BLOCK
    schemes = [
        Scheme(storage=storage, block=block, inputs=_inputs(said, block, scale))
        for storage, scale in ((FP8, "activation_scale"), (SCALED, "input_scale"))
    ]
    groups = [Group(scheme, codes=E4M3) for scheme in schemes]
    if said.get("expert_dtype") == "fp4":
        packed = Scheme(storage=FP8, bits=4, group_size=FP4_GROUP, inputs=schemes[0].inputs)
        groups.append(Group(packed, codes=PACKED_FP4))
    return groups


def _inputs(said: Said, block: tuple[int, int] | None, stored: str) -> RoundedInput:
    scheme = said.get("activation_scheme", "dynamic")
    if not isinstance(scheme, str) or scheme.lower() not in ("static", "dynamic"):
        raise UnknownStorageError(
            "fp8 with an activation_scheme that is neither static nor dynamic"
        )
    if scheme.lower() == "static":
        return RoundedInput(format="float8_e4m3fn", granularity="per_tensor", stored=stored)
    if block is None:
        return RoundedInput(format="float8_e4m3fn", granularity="per_token")
    is_power = block == MXFP8_BLOCK or said.get("scale_fmt") == "ue8m0"
    name = "mxfp8" if is_power else "float8_e4m3fn"
    return RoundedInput(format=name, granularity=f"block_{block[1]}")


def fbgemm_fp8(said: Said) -> list[Group]:
    """Read `fbgemm_fp8`: E4M3 and a scale for each row, and a bound for those of tokens.

    Args:
        said: What the configuration says.

    Returns:
        One group.
    """
    bound = "input_scale_ub" if said.get("activation_scale_ub") is not None else None
    inputs = RoundedInput(format="float8_e4m3fn", granularity="per_token", stored=bound)
    return [Group(Scheme(storage=SCALED, inputs=inputs), codes=E4M3)]
