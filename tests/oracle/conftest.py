"""Tiny checkpoints, one corpus, and measurements of both kinds, kept for the whole run.

HUBMAXACT_TEST_DEVICE=cuda runs both kinds on a GPU; what is compared stays the same.
"""

import os

import pytest
import torch
from transformers import AutoTokenizer

from hubmaxact import Options, measure
from oracle import batches, capture, texts, tiny
from oracle.cases import CALIBRATION, EVALUATION, MAX_SEQ_LEN, Both
from oracle.families import FAMILIES

DEVICE = os.environ.get("HUBMAXACT_TEST_DEVICE", "cpu")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """Return the folder of a tiny checkpoint by name; each is made once."""
    made = {}

    def folder(name, **options):
        key = (name, *sorted(options.items()))
        if key not in made:
            made[key] = tiny.build(name, tmp_path_factory.mktemp(name), **options)
        return made[key]

    return folder


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """Return the path of the JSONL corpus that the tests measure with."""
    return texts.write(tmp_path_factory.mktemp("corpus") / "texts.jsonl", texts.ROWS)


@pytest.fixture(scope="session")
def measured(checkpoint, corpus):
    """Return hubmaxact's report of a case."""

    def run(case, **options):
        chosen = {
            "corpus": str(corpus),
            "batch_tokens": case.budget,
            "max_seq_len": MAX_SEQ_LEN,
            "special_tokens": case.specials,
            "dtype": case.dtype,
            "profile": "paper",  # where a test says no other
            "device": DEVICE,
            "calibration_samples": CALIBRATION,
            "evaluation_samples": EVALUATION,
            "products": "native",  # as the brute force, and on any processor
            "cpu_threads": 1,  # as the brute force: where threads cut a tensor decides bits
        }
        folder = checkpoint(case.name, **case.checkpoint)
        return measure(folder, Options(**{**chosen, **options}))

    return run


@pytest.fixture(scope="session")
def recomputed(checkpoint):
    """Return what the oracle sees of a case: ids, batches, whole tensors, experts' tokens."""

    def run(case):
        folder = checkpoint(case.name, **case.checkpoint)
        model = tiny.load(folder, case.name, case.dtype).to(DEVICE)
        ids = encode(folder, specials=case.specials == "as_tokenizer")
        planned = batches.plan(
            [len(row) for row in ids],
            calibration=CALIBRATION,
            evaluation=EVALUATION,
            budget=case.budget,
            pads=not FAMILIES[case.name].bidirectional,
        )
        return ids, planned, *capture.capture(model, FAMILIES[case.name], ids, planned)

    return run


def encode(folder, *, specials):
    """Token ids of every text, cut at MAX_SEQ_LEN."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return [
        tokenizer(row["text"], add_special_tokens=specials)["input_ids"][:MAX_SEQ_LEN]
        for row in texts.ROWS
    ]


@pytest.fixture(scope="session")
def both(measured, recomputed):
    """Return a case measured twice; each is measured once in a session."""
    done = {}

    def run(case):
        if case not in done:
            done[case] = Both(case, measured(case), *recomputed(case))
        return done[case]

    return run


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Bits may depend on the number of threads; both sides use one, which tiny models like best."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
