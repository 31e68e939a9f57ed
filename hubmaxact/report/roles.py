"""The roles a watched tensor can play, as a table; adding a role is adding a row.

Knows names and order only: which module plays a role is anatomy's business. Shared by both
sides of the report.
"""

from dataclasses import dataclass
from typing import Literal

Profile = Literal["paper", "deployment"]
Rows = Literal["sites", "linear_inputs", "kv", "experts"]

PAPER: Profile = "paper"
DEPLOYMENT: Profile = "deployment"
PROFILES = (PAPER, DEPLOYMENT)
"""What may be watched: each profile all that the one before it does, and more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One row of the table."""

    name: str
    per_layer: bool  # False: the model has exactly one
    in_global_max: bool  # M is taken over these, as in arXiv:2605.15572
    title: str  # for people
    profile: Profile = PAPER  # the first that watches it
    rows: Rows = "sites"  # the array of a report where it has its rows


def _deployed(name: str, title: str, rows: Rows = "sites") -> Role:
    return Role(
        name=name, per_layer=True, in_global_max=False, title=title, profile=DEPLOYMENT, rows=rows
    )


ROLES = (
    Role(name="embedding", per_layer=False, in_global_max=True, title="embedding"),
    Role(name="hidden_state", per_layer=True, in_global_max=True, title="hidden state"),
    Role(name="attention_output", per_layer=True, in_global_max=True, title="attention output"),
    Role(name="mlp_output", per_layer=True, in_global_max=True, title="MLP output"),
    Role(name="mlp_gate", per_layer=True, in_global_max=False, title="MLP gate"),
    Role(name="router_logits", per_layer=True, in_global_max=False, title="router logits"),
    Role(name="final_norm", per_layer=False, in_global_max=True, title="final norm"),
    _deployed("attention_update", "attention update"),
    _deployed("mlp_update", "MLP update"),
    _deployed("mid_residual", "mid-layer residual"),
    _deployed("linear_input", "linear input", "linear_inputs"),
    _deployed("key", "keys", "kv"),
    _deployed("value", "values", "kv"),
    _deployed("query", "queries", "kv"),
    _deployed("expert_input", "expert input", "experts"),
    _deployed("expert_down_input", "input of experts' down projection", "experts"),
)

PAPER_ROLES = tuple(role for role in ROLES if role.profile == PAPER)
"""Those that every report has."""

SITE_ROLES = tuple(role for role in ROLES if role.rows == "sites")
"""Those that have their rows in a report's `sites`."""

ROLE_BY_NAME = {role.name: role for role in ROLES}
"""Every role under its name."""

ROLE_ORDER = {role.name: position for position, role in enumerate(ROLES)}
"""Ties between values are broken in this order."""


def watched_under(profile: str) -> tuple[Role, ...]:
    """The roles that a profile watches."""
    return ROLES if profile == DEPLOYMENT else PAPER_ROLES


def depth(role: str, layer: int | None) -> float:
    """Where a site lies in the forward pass: the embedding before layer 0, the final norm last."""
    if layer is not None:
        return layer
    return -1.0 if role == "embedding" else float("inf")


def site_order(role: str, layer: int | None, part: str | None = None) -> tuple[float, int, str]:
    """The total order of sites: layer, then the order of `ROLES`, then part."""
    return depth(role, layer), ROLE_ORDER[role], part or ""
