"""The model cards of the two small models, made from their configs and training records.

python tests/models/card.py            write both README.md
python tests/models/card.py --check    say which is out of date, and exit 1
"""

import argparse
import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TITLES = {"dense": "dense", "moe": "mixture-of-experts"}
STEPS_PER_ROW = 1000


def loss_rows(record: dict[str, Any]) -> str:
    """The rows of the loss table: one every STEPS_PER_ROW steps, and the last."""
    training = {row["step"]: f"{row['nats_per_token']:.3f}" for row in record["train"]}
    last = record["recipe"]["steps"]
    return "\n".join(
        f"| {row['step']:,} | {training.get(row['step'], '')} "
        f"| {row['nats_per_token']:.3f} | {row['bits_per_byte']:.3f} |"
        for row in record["heldout"]
        if row["step"] % STEPS_PER_ROW == 0 or row["step"] == last
    )


def final_rows(record: dict[str, Any]) -> str:
    """The rows of the table of the saved weights' held-out loss: one per context."""
    return "\n".join(
        f"| {row['context']:,} | {row['num_tokens']:,} "
        f"| {row['nats_per_token']:.4f} | {row['bits_per_byte']:.4f} |"
        for row in record["final"]
    )


def feed_forward(recipe: dict[str, Any], kind: str) -> str:
    """What a layer has for a channel block, in words."""
    size, top_k = recipe["active_intermediate_size"], recipe["experts_per_token"]
    if kind == "dense":
        return f"a SwiGLU block of {size} channels"
    return f"{recipe['num_experts']} SwiGLU experts of {size // top_k} channels, {top_k} per token"


def routing(record: dict[str, Any]) -> str:
    """A paragraph on how evenly experts are used; nothing for a dense model."""
    shares = [share for layer in record["expert_shares"] or [] for share in layer]
    if not shares:
        return ""
    even = 1 / record["recipe"]["num_experts"]
    return (
        "\nOn the held-out texts the least used expert of any layer gets "
        f"{min(shares):.1%} of that layer's\n"
        f"routed tokens, the most used {max(shares):.1%}; even shares would be {even:.1%}.\n"
    )


def render(kind: str) -> str:
    """Return the model card of one model."""
    folder = HERE / kind
    record = json.loads((folder / "training.json").read_text())
    recipe = record["recipe"]
    return (
        (HERE / "card_template.md")
        .read_text()
        .format(
            kind=kind,
            title=TITLES[kind],
            other=next(name for name in TITLES if name != kind),
            config=json.loads((folder / "config.json").read_text()),
            record=record,
            recipe=recipe,
            corpus=record["corpus"],
            environment=record["environment"],
            millions=record["parameters"] / 1e6,
            megabytes=record["parameters"] * 2 / 1e6,
            long_share=1 - recipe["long_from"],
            feed_forward=feed_forward(recipe, kind),
            rows=loss_rows(record),
            final=final_rows(record),
            routing=routing(record),
        )
    )


def main() -> None:
    """Write the cards, or check them."""
    parser = argparse.ArgumentParser(description="Model cards of tests/models.")
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    if not parser.parse_args().check:
        for kind in TITLES:
            (HERE / kind / "README.md").write_text(render(kind))
        return
    stale = [kind for kind in TITLES if (HERE / kind / "README.md").read_text() != render(kind)]
    if stale:
        raise SystemExit(f"out of date: {', '.join(stale)}; run python tests/models/card.py")


if __name__ == "__main__":
    main()
