"""Rows that differ, made without reports, and page data of them."""

import random

from hubmaxact.catalog import parquet
from hubmaxact.catalog.row import EMPTY
from hubmaxact.catalog.sources import paper
from hubmaxact.catalog.store import Index
from hubmaxact.page.page_data import PageData

BUILT = "2026-11-24T01:02:03Z"
HOSTILE = (
    "<script>alert(1)</script>",
    "=HYPERLINK(1)",
    "+1",
    "-1",
    "@sum",
    "\t=1",
    "\rx",
    "a\u202eb",
    "nul\0l",
    "\ufeff, \"'\n,;",
    "javascript:alert(1)",
    "\U0001f600\uffff",
)


def row(key, abs_max=10.0, **columns):
    """A measured row of protocol p."""
    known = {"key": key, "name": key, "source": "measured", "trust": "current"}
    known |= {"status": "complete", "abs_max": abs_max, "protocol_key": "p"}
    known |= {"carrier_role": "hidden_state", "carrier_layer": 3, "tied_roles": ["hidden_state"]}
    known |= {"exceeds_float16": abs_max is not None and abs_max > 65504}
    return EMPTY | known | columns


def index_of(rows, kept=()):
    """An index as a build would write it."""
    manifest = {"quarantine": [{"name": "bad.json", "reason": "r"}]}
    manifest |= {"newer": [], "kept": list(kept), "unread": []}
    return Index(manifest, parquet.encode(rows))


def page_data_of(rows, **how):
    return PageData.of(index_of(rows, **how), origin="folder", built=BUILT)


def many(number, seed=0):
    """Rows with everything that filters and orders look at, and with gaps."""
    chance = random.Random(seed)

    def some(*values):
        return chance.choice([*values, None])

    rows = []
    for place in range(number):
        layers = [chance.uniform(0, 100) for _ in range(24)]
        rows.append(
            row(
                f"org{place % 7}/model-{place}",
                some(2.0 ** chance.randrange(-4, 20), 65504.0),
                family=some("Qwen3", "qwen3", "Ling", "\u00c9tude", "\U0001f600", "\uff21"),
                architecture=some("dense", "moe"),
                stage=some("base", "instruct"),
                size=some(10**8, 10**9, 4 * 10**9, 14 * 10**9, 10**12),
                weights_dtype=some("bfloat16"),
                weights_quantization=some("fp8"),
                exceeds_float16=some(True, False),
                exceeds_float8_e5m2=some(True, False),
                carrier_role=some("hidden_state", "final_norm"),
                carrier_layer=some(1, 10, 2),
                loss_worst_change=some(-0.001, 0.02, 0.7),
                loss_worst_high=some(0.0, 0.05, 0.8),
                int8_max_abs_sqnr_db=some(-3.5, 10.0, 40.25),
                trust=chance.choice(["current", "copied", "unverified"]),
                hidden_state_by_layer=layers,
                attention_output_by_layer=layers,
                mlp_output_by_layer=layers,
            )
        )
    return rows


def hostile_rows():
    """One row for each text that means harm somewhere, in every column of text."""
    return [
        row(
            f"file:{place}{text}",
            1e308,
            **dict.fromkeys(("name", "family", "stage", "repo_id", "base_model"), text),
            **dict.fromkeys(("carrier_module", "trust_detail", "weights_dtype"), text),
            carrier_role=text,
            copied_from=text,
            trust="copied",
            notes=[text],
            tied_roles=[text],
        )
        for place, text in enumerate(HOSTILE)
    ]


PAPER = paper.rows()
