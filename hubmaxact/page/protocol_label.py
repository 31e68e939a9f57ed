"""How a release was measured, in the few words that a list of protocols has room for.

The protocol's key tells protocols apart; the words only name what differs most often.
"""

from hubmaxact.catalog.row import Row
from hubmaxact.page.safe_text import LONGEST_VALUE, shown
from hubmaxact.rendering import numbers

SPECIAL_TOKENS = {"none": "no special tokens"}
"""Policy to its words; what the tokenizer does by itself needs none."""

SIMULATED = "activations rounded as served, simulated"


def protocol_label(row: Row) -> str:
    """Return a row's protocol in words, as far as they are known; else its key."""
    samples, longest = row["num_samples"], row["max_seq_len"]
    parts = (
        " ".join(filter(None, (row["corpus_name"], row["corpus_version"]))),
        None if samples is None else numbers.count(samples, "text"),
        None if longest is None else f"up to {numbers.count(longest, 'token')}",
        row["dtype"],
        SPECIAL_TOKENS.get(row["special_tokens"] or ""),
        SIMULATED if row["simulated_activations"] else None,
    )
    return shown(", ".join(filter(None, parts)) or row["protocol_key"], LONGEST_VALUE)
