"""A small Hub with data sets and a real tokenizer, and a client in a process of its own."""

import importlib.util
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, trainers

SPEC = importlib.util.spec_from_file_location("small_hub", Path(__file__).with_name("small_hub.py"))
small_hub = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(small_hub)

SENTENCES = [
    "The river is wide and the river is slow.",
    "Das Wetter ist heute schön, und morgen?",
    "河水很宽。",
    "x = 12 * 34  # spaces   kept\n\tindented",
]
CATEGORIES = ["knowledge", "minority", "chinese", "code"]

# The client reads its environment when it is imported, so it runs in a process of its own.
CLIENT = """
import json, sys
from hubmaxact import corpus
from hubmaxact.errors import CorpusError
answers = []
for spec, num_samples in json.load(sys.stdin):
    try:
        read = corpus.load(spec, num_samples=num_samples)
    except CorpusError as error:
        answers.append({"error": str(error)})
    else:
        texts = [[text.text, text.domain] for text in read.texts]
        answers.append({"name": read.name, "version": read.version, "kind": read.kind,
                        "digest": read.digest, "texts": texts})
answers.append("torch" in sys.modules)
print(json.dumps(answers))
"""


@pytest.fixture(scope="session")
def llama_like():
    """A tokenizer of Llama-2's build: BPE over a metaspace, byte fallback, a literal <s>."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1),
        ]
    )
    special = ["<unk>", "<s>", "</s>"]
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        show_progress=False,
        special_tokens=[*special, *(f"<0x{byte:02X}>" for byte in range(256))],
    )
    tokenizer.train_from_iterator(SENTENCES[:2] * 20, trainer)
    return tokenizer


def json_lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def parquet(**columns):
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def paper_rows(llama_like):
    start = llama_like.token_to_id("<s>")
    return [
        {"input_ids": [start, *llama_like.encode(text).ids], "category": category}
        for text, category in zip(SENTENCES, CATEGORIES, strict=True)
    ]


@pytest.fixture(scope="session")
def hub(llama_like, paper_rows):
    """The server; tests read `requests` and `url`."""
    tokenizer = llama_like.to_str().encode()
    good = json_lines([{"text": "one", "domain": "a"}, {"text": "two", "label": 3}])
    repositories = {
        ("datasets", "Clxxxx/eval_diverse_dataset"): {
            ".gitattributes": b"",
            "README.md": b"# data\n",
            "eval_diverse_5k_llama2.jsonl": json_lines(paper_rows),
        },
        ("models", "hf-internal-testing/llama-tokenizer"): {"tokenizer.json": tokenizer},
        ("models", "someone/other-copy"): {"tokenizer.json": tokenizer},
        ("models", "someone/damaged"): {"tokenizer.json": b'{"version": "1.0"}'},
        ("models", "someone/slow-only"): {"tokenizer.model": b"\x00"},
        ("datasets", "someone/lines"): {"README.md": b"", "data/train.jsonl": good},
        ("datasets", "someone/table"): {
            "train.parquet": parquet(text=["one", "two"], domain=["a", None], n=[1, 2])
        },
        ("datasets", "someone/several"): {
            "a.jsonl": good,
            "b c.jsonl": good,
            "bad.jsonl": good + b"{}\n",
            "cut.parquet": parquet(text=["one"])[:-9],
            "none.parquet": parquet(words=["one"]),
            "null.parquet": parquet(text=["one", None]),
        },
        ("datasets", "someone/pictures"): {"cat.png": b"\x89PNG"},
    }
    with small_hub.serve(repositories) as server:
        yield server


@pytest.fixture
def ask(hub, tmp_path):
    """Load specs with the real client in a clean home; returns one answer for each."""

    def run(*specs, **environment):
        hub.requests.clear()
        names = ("PATH", "PYTHONPATH", "TMPDIR", "COVERAGE_PROCESS_CONFIG")
        kept = {name: os.environ[name] for name in names if name in os.environ}
        settings = {
            "HOME": str(tmp_path),
            "HF_HOME": str(tmp_path / "hf"),
            "HF_ENDPOINT": hub.url,
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "NO_PROXY": "127.0.0.1",
        }
        asked = [spec if isinstance(spec, tuple) else (spec, None) for spec in specs]
        finished = subprocess.run(
            [sys.executable, "-c", CLIENT],
            input=json.dumps(asked),
            env=kept | settings | environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        *answers, torch_loaded = json.loads(finished.stdout)
        assert not torch_loaded
        return answers

    run.commit_of = small_hub.commit_of
    return run
