"""Which differences of protocol forbid a comparison, as a table; and the refusal that names all.

Knows the report's `protocol` block. `environment` is no protocol: it moves values by rounding.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple

from hubmaxact.errors import HubmaxactError
from hubmaxact.printable import printable
from hubmaxact.report.document import Protocol
from hubmaxact.report.roles import PAPER


class Field(NamedTuple):
    """One field of the protocol."""

    name: str  # dotted, as in the report
    decisive: bool  # a difference forbids the comparison
    why: str


FORMAT_ERRORS = "format_errors"
SIMULATED = "simulated_activations"

FIELDS = (
    Field(
        "profile", False, "M and all that both hold are equal; `exceeded` speaks of more tensors"
    ),
    Field("corpus.name", False, "a name for the digest, which decides"),
    Field("corpus.version", False, "a name for the digest, which decides"),
    Field("corpus.kind", False, "follows from the texts, whose digest decides"),
    Field("corpus.digest", True, "other texts reach other maxima"),
    Field("corpus.num_samples", True, "a maximum grows with the texts it is taken over"),
    Field("corpus.num_tokens", False, "follows from the texts and the checkpoint's tokenizer"),
    Field("corpus.domains", True, "other texts, or the same texts sorted otherwise"),
    Field("max_seq_len", True, "longer texts have more tokens, and later ones"),
    Field("special_tokens.policy", True, "massive activations sit on special tokens"),
    Field("special_tokens.bos_added", False, "follows from the policy and the tokenizer"),
    Field("chat_template", True, "a template is text of its own"),
    Field("dtype", True, "another format rounds, and overflows, elsewhere"),
    Field("attn_implementation", False, "kernels differ by rounding, and not every model has all"),
    Field("experts_implementation", False, "kernels differ by rounding; dense models have none"),
    Field("batch_tokens", False, "moves values by rounding only"),
    Field("batch_plan_digest", False, "follows from lengths in tokens, so from the tokenizer"),
    Field("calibration_samples", True, "fixes the thresholds of the INT8 check"),
    Field("evaluation_samples", True, "fixes what the INT8 check sums over"),
    Field("counts_rounded_to", False, "follows from the number formats of the watched tensors"),
    Field(FORMAT_ERRORS, False, "rows of rounding that were not measured are null, the rest equal"),
    Field(SIMULATED, True, "what linear maps read was rounded during the pass"),
)
"""Every field of a protocol that all profiles have, and those that one may lack; a test holds the
two in step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolRow:
    """One field of the protocol, in every report."""

    field: str
    decisive: bool
    differs: bool
    values: tuple[Any, ...]  # JSON values, in the order of the reports


class DifferentProtocolsError(HubmaxactError):
    """Raised when reports were measured so differently that comparing them would mislead."""

    def __init__(self, rows: Sequence[ProtocolRow], names: Sequence[str], advice: str) -> None:
        decisive = [differing(row, names) for row in rows if row.decisive and row.differs]
        others = [differing(row, names) for row in rows if row.differs and not row.decisive]
        also = f" (and, no obstacle by itself: {'; '.join(others)})" if others else ""
        super().__init__(
            f"the reports were measured under different protocols: {'; '.join(decisive)}{also}; "
            f"{advice}."
        )
        self.rows = tuple(rows)


def protocol_rows(protocols: Sequence[Protocol]) -> tuple[ProtocolRow, ...]:
    """Hold protocols against each other, field by field."""
    return tuple(_row(field, protocols) for field in FIELDS)


def forbidding(rows: Sequence[ProtocolRow]) -> bool:
    """Whether some difference forbids the comparison."""
    return any(row.decisive and row.differs for row in rows)


def differing(row: ProtocolRow, names: Sequence[str]) -> str:
    """A difference in words: `max_seq_len is 4096 in A and 2048 in B, C`."""
    said = [f"{value} in {', '.join(owners)}" for value, owners in grouped(row, names)]
    return f"{row.field} is {', '.join(said[:-1])} and {said[-1]}"


def grouped(row: ProtocolRow, names: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield each value once, in printable words, with the names of the reports that have it."""
    distinct: list[Any] = []
    for value in row.values:
        if value not in distinct:
            distinct.append(value)
    for value in distinct:
        owners = [name for name, other in zip(names, row.values, strict=True) if other == value]
        yield _shown(value), owners


def _shown(value: Any) -> str:
    """A value of the protocol on one line, whatever is in it."""
    if isinstance(value, list):
        return printable(", ".join(map(str, value)), 200)
    if isinstance(value, dict):
        return printable(", ".join(f"{name} {number}" for name, number in value.items()), 200)
    constants: dict[Any, str] = {None: "null", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return constants[value]
    return printable(str(value), 100)


def _row(field: Field, protocols: Sequence[Protocol]) -> ProtocolRow:
    values = tuple(_value(protocol, field.name) for protocol in protocols)
    differs = any(value != values[0] for value in values)
    return ProtocolRow(field=field.name, decisive=field.decisive, differs=differs, values=values)


def simulated_ways(protocol: Mapping[str, Any]) -> list[str] | None:
    """Return how linear inputs were rounded during the pass, simulated, each way once.

    Args:
        protocol: Of any profile.

    Returns:
        Such as "int8/per_token/dynamic", without how many maps there are, which follows from the
        checkpoint. None: nothing was rounded.
    """
    rows = protocol.get(SIMULATED)
    if rows is None:
        return None
    return sorted({f"{row['format']}/{row['granularity']}/{row['policy']}" for row in rows})


def _value(protocol: Mapping[str, Any], name: str) -> Any:
    if name == SIMULATED:
        return simulated_ways(protocol)
    if name == FORMAT_ERRORS:
        return protocol.get(FORMAT_ERRORS)
    return reduce(lambda node, step: node[step], name.split("."), dict(protocol))


KEY_DIGITS = 16


def protocol_key(protocol: Mapping[str, Any]) -> str:
    """Return the key of a report's `protocol` block.

    Args:
        protocol: Of any profile; each holds what `paper` does, and has its key.

    Returns:
        Hex digits, equal where nothing forbids a comparison.
    """
    decisive = {field.name: _value(protocol, field.name) for field in FIELDS if field.decisive}
    if decisive[SIMULATED] is None:  # as keys were before anything was simulated
        del decisive[SIMULATED]
    decisive["profile"] = PAPER
    text = json.dumps(decisive, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_DIGITS]
