"""Indexes to browse: many releases by arithmetic, and one written by somebody hostile."""

import hashlib
from pathlib import Path

from hubmaxact.catalog import parquet
from hubmaxact.catalog.manifest import SCHEMA, BuiltFrom, Counts, IndexFile, Manifest
from hubmaxact.catalog.row import EMPTY, MEASURED
from hubmaxact.catalog.sources import paper
from hubmaxact.catalog.store import INDEX, replace_index

SCRIPT = "window.PWNED = (window.PWNED || 0) + 1"
MARKUP = (
    f"<img src=x onerror='{SCRIPT}'><script>{SCRIPT}</script>"
    f"<svg onload='{SCRIPT}'><a href='javascript:{SCRIPT}'>x</a>"
)
HOSTILE_TEXTS = (
    MARKUP,
    f"javascript:{SCRIPT}",
    "https://evil.example/pixel.png",
    "//evil.example/x",
    "nul\x00 bell\x07 escape\x1b[31m",
    "right to left \u202egnp.exe \u2066isolate\u2069 \u200bzero width",
    '=HYPERLINK("https://evil.example","x")',
    "{{constructor.constructor('alert(1)')()}} ${alert(1)} #{1}",
    "]]></script><!-- --> &amp; &#x3c;",
    "W" * 5000,
    "\u0301" * 200 + "zalgo",
    "__proto__",
    "constructor",
    "\U0001f4a9 emoji \uffff",
)
HUGE = (3.4028234663852886e38, 1e308, 5e-324, 1e-30, 0.0)


def release(number: int, **known) -> dict:
    """A measured release; its facts follow from its number."""
    peak = float(2 ** (number % 20)) * (1 + number / 1000)
    layers = 4 + number % 5
    name = f"org-{number % 7}/model-{number:05}"
    return EMPTY | {
        "key": name,
        "name": name,
        "source": MEASURED,
        "trust": ("current", "stale", "unverified")[number % 3],
        "repo_id": name,
        "family": ("qwen3", "llama", "gemma3")[number % 3],
        "architecture": ("dense", "moe")[number % 2],
        "stage": ("base", "instruct", None)[number % 3],
        "size": (None, 500_000_000, 3_000_000_000, 27_000_000_000)[number % 4],
        "weights_dtype": "bfloat16",
        "status": "complete",
        "max_value": -peak if number % 2 else peak,
        "abs_max": peak,
        "carrier_role": "hidden_state",
        "carrier_layer": number % layers,
        "tied_roles": ["hidden_state"],
        "max_hidden_state": peak,
        "max_mlp_output": peak / 3,
        "hidden_state_by_layer": [peak / (layers - layer) for layer in range(layers)],
        "mlp_output_by_layer": [peak / 3 / (layers - layer) for layer in range(layers)],
        "exceeds_float16": peak > 65504,
        "exceeds_float8_e5m2": peak > 57344,
        "exceeds_float8_e4m3fn": peak > 448,
        "int8_max_abs_sqnr_db": 60.0 - number % 40,
        "protocol_key": "p0" if number % 10 else "p1",
        "corpus_name": "probe-5k",
        "corpus_digest": "sha256:aa" if number % 10 else "sha256:bb",
        "num_tokens": 1_000_000 + number,
        **known,
    }


def hostile_loss(text: str, number: int) -> dict:
    """A loss whose way is somebody's attempt, and its figures too."""
    names = dict.fromkeys(("target", "format", "granularity", "policy"), text)
    figures = ("change", "low", "high", "kl_divergence", "top1_agreement")
    return names | {"num_samples": 256} | dict.fromkeys(figures, HUGE[number % 5])


def hostile_rows() -> list[dict]:
    """Rows in which every text and number is somebody's attempt."""
    rows = []
    texts = [name for name, hint in parquet.HINTS.items() if hint in (parquet.Text, str)]
    for number, text in enumerate(HOSTILE_TEXTS):
        row = release(number, **{name: text for name in texts if name != "source"})
        row |= {"key": f"{number} {text}", "notes": [text, text], "tied_roles": [text]}
        row |= {"losses": [hostile_loss(text, number)], "loss_worst_change": HUGE[number % 5]}
        row |= {"modalities": [text], "max_value": HUGE[number % 5], "abs_max": HUGE[number % 5]}
        rows.append(row)
    return rows


def write_index(folder: Path, rows, *, with_paper: bool = True) -> Path:
    """Write rows as a catalog, in the folder's place."""
    rows = sorted([*rows, *(paper.rows() if with_paper else [])], key=lambda row: row["key"])
    content = parquet.encode(rows)
    folder.mkdir(parents=True, exist_ok=True)
    measured = sum(row["source"] == MEASURED for row in rows)
    manifest = Manifest(
        schema=SCHEMA,
        built_by="0",
        built_from=BuiltFrom(kind="folder", tag=None),
        index=IndexFile(
            file=INDEX,
            sha256=hashlib.sha256(content).hexdigest(),
            size=len(content),
            rows=len(rows),
        ),
        counts=Counts(
            measured=measured,
            reported_by_the_paper=len(rows) - measured,
            trust={},
            quarantined=0,
            newer=0,
            kept=0,
            unread=0,
        ),
        quarantine=[],
        newer=[],
        kept=[],
        unread=[],
        over_cap={},
        sources={},
    )
    replace_index(folder, content, manifest)
    return folder
