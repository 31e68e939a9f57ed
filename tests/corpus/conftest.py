"""A Hub with data sets and a real tokenizer, and a client in a process of its own."""

import io
import json
import subprocess
import sys
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from loopback_hub import LoopbackHub, environment
from tokenizers import Tokenizer, decoders, models, normalizers, trainers

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
from hubmaxact.errors import HubmaxactError
answers = []
for spec, num_samples in json.load(sys.stdin):
    try:
        read = corpus.load(spec, num_samples=num_samples)
    except HubmaxactError as error:
        answers.append({"error": f"{type(error).__name__}: {error}", "code": error.exit_code})
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
def contents(llama_like, paper_rows):
    """The files of each repository on the Hub."""
    tokenizer = llama_like.to_str().encode()
    good = json_lines([{"text": "one", "domain": "a"}, {"text": "two", "label": 3}])
    return {
        ("dataset", "Clxxxx/eval_diverse_dataset"): {
            "README.md": b"# data\n",
            "eval_diverse_5k_llama2.jsonl": json_lines(paper_rows),
        },
        ("model", "hf-internal-testing/llama-tokenizer"): {"tokenizer.json": tokenizer},
        ("model", "someone/other-copy"): {"tokenizer.json": tokenizer},
        ("model", "someone/damaged"): {"tokenizer.json": b'{"version": "1.0"}'},
        ("model", "someone/slow-only"): {"tokenizer.model": b"\x00"},
        ("dataset", "someone/lines"): {"README.md": b"", "data/train.jsonl": good},
        ("dataset", "someone/table"): {
            "train.parquet": parquet(text=["one", "two"], domain=["a", None], n=[1, 2])
        },
        ("dataset", "someone/several"): {
            "a.jsonl": good,
            "b c.jsonl": good,
            "bad.jsonl": good + b"{}\n",
            "cut.parquet": parquet(text=["one"])[:-9],
            "none.parquet": parquet(words=["one"]),
            "null.parquet": parquet(text=["one", None]),
        },
        ("dataset", "someone/pictures"): {"cat.png": b"\x89PNG"},
    }


@pytest.fixture
def hub(contents):
    """A Hub with all of that; tests read `requests`, and script trouble with `faults`."""
    with LoopbackHub() as running:
        for (repo_type, repo_id), files in contents.items():
            running.create_repo(repo_id, repo_type=repo_type, files=files)
        yield running


@pytest.fixture
def head(hub):
    """The commit that main of a data set stands for."""
    return lambda repo_id: hub.repos["dataset", repo_id].resolve("main").sha


@dataclass(frozen=True)
class Asked:
    """What became of each spec, and what the client wrote to standard error."""

    answers: list
    stderr: str


@pytest.fixture
def client(hub, tmp_path):
    """Load specs with the real client in a home of this test's own; nobody, unless a token says."""

    def run(*specs, token="", **extra):
        asked = [spec if isinstance(spec, tuple) else (spec, None) for spec in specs]
        finished = subprocess.run(
            [sys.executable, "-c", CLIENT],
            input=json.dumps(asked),
            env=environment(hub, tmp_path, token) | extra,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        *answers, torch_loaded = json.loads(finished.stdout)
        assert not torch_loaded
        return Asked(answers, finished.stderr)

    return run


@pytest.fixture
def ask(client):
    """The answers alone, one for each spec."""
    return lambda *specs, **how: client(*specs, **how).answers
