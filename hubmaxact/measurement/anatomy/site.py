"""A site: one tensor that is watched, named by role, layer and part, and how to get hold of it."""

from dataclasses import dataclass
from enum import StrEnum

from hubmaxact.measurement.anatomy.token_layout import Layout
from hubmaxact.report.roles import site_order


class Point(StrEnum):
    """Where at a module the tensor is."""

    OUTPUT = "output"  # the module's own output, or one element of it
    INPUT = "input"  # what reaches an activation module: the gate's pre-activation
    EXPERT_GATE = "expert_gate"  # the gate half inside fused experts, before its activation
    FUNCTION = "function"  # the input of a functional activation inside the module


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One watched tensor."""

    role: str
    layer: int | None  # counts from 0; null for embedding and final norm
    part: str | None  # tells apart two sites of one role in one layer
    module: str  # full dotted name
    point: Point = Point.OUTPUT
    index: int = 0  # which element of a tuple output
    layout: Layout | None = None  # None: rows inside experts, which the routing names
    calls: int = 1  # how often a pass calls the module; the last call is the watched one

    @property
    def key(self) -> str:
        """Its name among the sites of a model, without a slash."""
        names = (self.role, self.layer, self.part)
        return ".".join(str(name) for name in names if name is not None).replace("/", ":")

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

    owner: str  # dotted name of the module that is run: the decoder stack, without lm_head
    num_layers: int
    sites: tuple[Site, ...]  # in site order
    absent: dict[str, int]  # role -> layers that have no such tensor by design
    missing: tuple[Missing, ...]
    experts: dict[int, str]  # layer -> dotted name of its routed experts
    num_experts: dict[int, int]  # layer -> how many of them there are
    experts_per_token: dict[int, int]  # layer -> how many of them a token chooses
    routing_layers: tuple[int, ...]  # layers that send tokens to experts of any form
