"""What one way of storing a weight is, and what one stored weight is."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """One way of storing a weight: its tensors, and the name of the formula that gives it back.

    Attributes:
        name: As reports and the table of documents have it.
        title: For people.
        formula: Name of the formula in `measurement.dequantization`.
        suffixes: What follows a module's name and a dot -> which part it is.
        required: Parts without which it is none; the first holds the codes.
        codes: Dtypes of the codes, as safetensors spells them.
        target: What follows the module's name and a dot where the weight is stored plainly.
    """

    name: str
    title: str
    formula: str
    suffixes: Mapping[str, str]
    required: tuple[str, ...]
    codes: frozenset[str]
    target: str = "weight"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundedInput:
    """How a server rounds what a quantized map reads.

    Attributes:
        format: Number format, as `deployed_formats` names it.
        granularity: "per_tensor", "per_token" or "block_N".
        stored: What follows the module's name and a dot where its scale is stored; None: each
            token or block has one of its own.
    """

    format: str
    granularity: str
    stored: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """How config.json says that a group of weights is stored, as far as a formula needs it.

    Attributes:
        storage: The way.
        bits: Of one code. None: its dtype says it.
        group_size: Columns that share a scale. None: the shapes say it.
        block: Rows and columns that share a scale; edge blocks may be cut. None: the shapes say it.
        offset_zeros: Whether zero points are stored less one, as GPTQ does until its second format.
        inputs: How the inputs of its maps are rounded as served. None: not at all.
    """

    storage: Storage
    bits: int | None = None
    group_size: int | None = None
    block: tuple[int, int] | None = None
    offset_zeros: bool = False
    inputs: RoundedInput | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredWeight:
    """One weight that is stored as codes.

    Attributes:
        name: Full name of the weight where it is stored plainly.
        shape: Of that weight, as far as headers tell, see `shapes.shape_of`; () where it stands
            in a tensor's bytes alone, as bitsandbytes of 4 bits keeps it.
        scheme: How it is stored.
        parts: Part -> full name of the tensor that holds it.
        num_weights: How many numbers it is, whether or not the shape is known.
    """

    name: str
    shape: tuple[int, ...]
    scheme: Scheme
    parts: Mapping[str, str]
    num_weights: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredWeights:
    """What the weight files of a quantized release hold, by header only.

    Attributes:
        method: What the configuration calls the method.
        weights: Those that are stored as codes.
        plain: Names of tensors that are used as they are stored.
        set_aside: Names of scales of activations and caches, which weights do not need.
    """

    method: str
    weights: tuple[StoredWeight, ...]
    plain: tuple[str, ...] = field(repr=False)
    set_aside: tuple[str, ...] = field(repr=False)
