"""A site: one tensor that is watched, named by role, layer and part, and how to get hold of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from hubmaxact.measurement.anatomy.token_layout import Layout
from hubmaxact.measurement.rotary_pairs import Pairs
from hubmaxact.report.roles import site_order


class Point(StrEnum):
    """Where at a module the tensor is."""

    OUTPUT = "output"  # the module's own output, or one element of it
    SUM = "sum"  # what several modules put out, added up
    INPUT = "input"  # what reaches an activation module: the gate's pre-activation
    EXPERT_GATE = "expert_gate"  # the gate half inside fused experts, before its activation
    FUNCTION = "function"  # the input of a functional activation inside the module
    EXPERT_INPUT = "expert_input"  # what reaches fused experts, by the expert it is routed to
    EXPERT_DOWN = "expert_down"  # what the down projection inside fused experts reads
    PRODUCT = "product"  # what is multiplied with the weight of the first map, without a call of it
    KEY = "key"  # what the module hands to the cache as keys, a token's heads in one row
    VALUE = "value"  # and as values
    QUERY = "query"  # what it hands to transformers' attention interface


@dataclass(frozen=True, slots=True)
class Summand:
    """One element of a module's output, times a factor."""

    module: str
    index: int
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One watched tensor."""

    role: str
    layer: int | None  # counts from 0; null for embedding and final norm
    part: str | None  # tells apart two sites of one role in one layer
    module: str  # full dotted name
    point: Point = Point.OUTPUT
    index: int = 0  # which element of a tuple output
    layout: Layout | None = None  # None: rows in groups, which say what each of them belongs to
    calls: int = 1  # how often a pass calls the module; the last call is the watched one
    groups: int | None = None  # of rows: experts of the layer; None with a layout
    num_heads: int | None = None  # of keys and values
    factor: float = 1.0  # what the tensor is multiplied with before it is watched
    summands: tuple["Summand", ...] = ()  # of a sum, this module's too
    maps: tuple[str, ...] = ()  # dotted names of all that read a linear input
    is_latent: bool = False  # keys and values are latent attention's

    @property
    def key(self) -> str:
        """Its name among the sites of a model, without a slash."""
        names = (self.role, self.layer, self.part)
        return ".".join(str(name) for name in names if name is not None).replace("/", ":")

    def named(self, part: str) -> "Site":
        """The same, told apart from another of its role and layer."""
        return replace(self, part=part)

    @property
    def order(self) -> tuple[float, int, str]:
        """Sort key: layer, role order, part."""
        return site_order(self.role, self.layer, self.part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A site that the structure promises and that could not be found or never fired."""

    role: str
    layer: int | None
    part: str | None
    module: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Anatomy:
    """Which tensors of a checkpoint play which role, and what is not there."""

    owner: str  # dotted name of the module that is run: what runs the layers, without lm_head
    num_layers: int
    sites: tuple[Site, ...]  # in site order
    absent: dict[str, int]  # role -> layers that have no such tensor by design
    missing: tuple[Missing, ...]
    experts: dict[int, str]  # layer -> dotted name of its routed experts
    num_experts: dict[int, int]  # layer -> how many of them there are
    experts_per_token: dict[int, int]  # layer -> how many of them a token chooses
    routing_layers: tuple[int, ...]  # layers that send tokens to experts of any form
    same: Mapping[Site, Site] = field(default_factory=dict)  # site -> one of `sites`, same tensor
    pairs: Mapping[Site, Pairs] = field(default_factory=dict)  # by site of keys, where known
    bidirectional: bool = False  # tokens see those after them, so nothing may be padded
    why_no_cache: str | None = None  # why keys and values could not be looked for
