"""What a page needs to know before it shows a release: columns, facets, formats, words.

Made once for an index; a host adds who it is and whether its copy of the index is a late one.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

from hubmaxact import __version__
from hubmaxact.catalog.extract import INT8_POLICIES
from hubmaxact.catalog.fit import TITLES
from hubmaxact.catalog.row import PAPER, Row
from hubmaxact.catalog.store import Index
from hubmaxact.formats import LARGEST_FINITE
from hubmaxact.page.columns import COLUMNS
from hubmaxact.page.facets import FACETS, FORMATS, MOST_CHOICES, choices
from hubmaxact.page.glossary import WORDS
from hubmaxact.page.url_state import MAX_PICKS, PAGE_SIZE
from hubmaxact.rendering.words import POLICIES
from hubmaxact.report.comparability import FIELDS
from hubmaxact.report.roles import PAPER_ROLES

Host = Literal["server", "static"]

INT8_METRICS = {
    "sqnr_db": "SQNR at M (dB)",
    "lowest_db": "SQNR of the hidden states, lowest (dB)",
    "median_db": "SQNR of the hidden states, median (dB)",
    "highest_db": "SQNR of the hidden states, highest (dB)",
    "final_norm_db": "SQNR at the final norm (dB)",
    "rel_rmse": "relative RMSE at M",
    "rel_mae": "relative MAE at M",
    "clip_rate": "clipped share at M",
}

ERRORS = {
    "linear_int8_tensor_db": "INT8, one scale",
    "linear_int8_token_db": "INT8, by token",
    "linear_fp8_tensor_db": "FP8 E4M3, one scale",
    "linear_fp8_token_db": "FP8 E4M3, by token",
    "linear_mxfp8_db": "MXFP8",
    "linear_mxfp4_db": "MXFP4",
    "linear_nvfp4_db": "NVFP4",
    "kv_fp8_unscaled_db": "FP8 cache, no scale",
}
"""Columns of what formats of deployment lose, and their names in a comparison."""

PROTOCOL_COLUMNS = {
    "profile": "profile",
    "corpus.name": "corpus_name",
    "corpus.version": "corpus_version",
    "corpus.kind": "corpus_kind",
    "corpus.digest": "corpus_digest",
    "corpus.num_samples": "num_samples",
    "corpus.num_tokens": "num_tokens",
    "max_seq_len": "max_seq_len",
    "special_tokens.policy": "special_tokens",
    "special_tokens.bos_added": "bos_added",
    "dtype": "dtype",
    "attn_implementation": "attn_implementation",
    "experts_implementation": "experts_implementation",
    "batch_tokens": "batch_tokens",
    "calibration_samples": "calibration_samples",
    "evaluation_samples": "evaluation_samples",
    "simulated_activations": "simulated_activations",
}
"""Field of a report's protocol to the catalog's column that holds it; some have none."""

DOWNLOADS: dict[Host, tuple[str, ...]] = {
    "server": ("view", "all", "picked"),
    "static": ("all",),
}
KINDS = ("csv", "parquet")


def fixed(rows: Sequence[Row], index: Index, origin: str, built: str | None) -> dict[str, Any]:
    """Everything that is the same whoever shows the index, but for `host` and `downloads`."""
    return {
        "version": __version__,
        "index": _index(rows, index) | {"built": built, "origin": origin},
        "page_size": PAGE_SIZE,
        "max_picks": MAX_PICKS,
        "columns": [
            {
                "name": column.name,
                "label": column.label,
                "kind": column.kind,
                "description": column.description,
                "sortable": column.sortable,
            }
            for column in COLUMNS
        ],
        "facets": _facets(rows),
        "formats": [
            {"name": name, "label": label, "largest": LARGEST_FINITE[name]}
            for name, label in FORMATS
        ],
        "roles": [
            {"name": role.name, "label": role.title, "in_m": role.in_global_max}
            for role in PAPER_ROLES
        ],
        "protocol_fields": _protocol_fields(),
        "int8": _int8(),
        "errors": [_error(column, label) for column, label in ERRORS.items()],
        "fit": [{"name": column, "label": title} for column, title in TITLES.items()],
        "words": [{"word": word, "meaning": meaning} for word, meaning in WORDS.items()],
    }


def downloads(host: Host) -> list[dict[str, str]]:
    """What can be downloaded from a host, and where; a browser makes the rest of an export's."""
    return [
        {"what": what, "kind": kind, "href": f"download/{what}.{kind}"}
        for what in DOWNLOADS[host]
        for kind in KINDS
    ]


def _index(rows: Sequence[Row], index: Index) -> dict[str, Any]:
    measured = [row for row in rows if row["source"] != PAPER]
    return {
        "rows": len(rows),
        "measured": len(measured),
        "paper": len(rows) - len(measured),
        "quarantined": len(index.manifest["quarantine"]),
        "newer": len(index.manifest["newer"]),
        "kept": len(index.manifest["kept"]),
        "unread": len(index.manifest["unread"]),
        "trust": dict(sorted(Counter(row["trust"] for row in measured).items())),
        "sha256": hashlib.sha256(index.content).hexdigest(),
    }


def _facets(rows: Sequence[Row]) -> list[dict[str, Any]]:
    said = []
    for facet in FACETS:
        found = choices(facet, rows)
        common = sorted(found, key=lambda choice: -choice["count"])[:MOST_CHOICES]
        kept = {choice["value"] for choice in common}
        said.append(
            {
                "name": facet.name,
                "label": facet.label,
                "choices": [choice for choice in found if choice["value"] in kept],
                "more": len(found) - len(kept),
            }
        )
    return said


def _protocol_fields() -> list[dict[str, Any]]:
    fields = [
        {
            "name": PROTOCOL_COLUMNS[field.name],
            "label": field.name.replace(".", " ").replace("_", " "),
            "decisive": field.decisive,
            "why": field.why,
        }
        for field in FIELDS
        if field.name in PROTOCOL_COLUMNS
    ]
    without = [f.name for f in FIELDS if f.decisive and f.name not in PROTOCOL_COLUMNS]
    key = {
        "name": "protocol_key",
        "label": "protocol key",
        "decisive": True,
        "why": f"one digest of every decisive field; also of {' and '.join(without)}",
    }
    return [*fields, key]


def _error(column: str, label: str) -> dict[str, str]:
    """A column of what a format loses, and those of the tensor that it rounds worst."""
    lowest = f"{column.removesuffix('_db')}_lowest"
    return {"name": column, "label": label, "lowest": f"{lowest}_db", "module": f"{lowest}_module"}


def _int8() -> list[dict[str, Any]]:
    return [
        {
            "policy": column,
            "label": POLICIES[policy],
            "metrics": [
                {"name": f"int8_{column}_{metric}", "label": label}
                for metric, label in INT8_METRICS.items()
            ],
        }
        for policy, column in INT8_POLICIES.items()
    ]
