"""The command that reproduces a report and the one that verifies it."""

from hubmaxact.rendering.escape import is_safe, word
from hubmaxact.report.cpu_threads import threads_of
from hubmaxact.report.document import NAMED_CORPORA, REPORT_NAME, CorpusFacts, Environment, Report
from hubmaxact.report.products import FLOAT32

WIDTH = 90

SOME_FILE = "FILE.jsonl"
"""Stands for a corpus whose name cannot be shown on a command line."""


def reproduce(report: Report) -> str:
    """The exact `hubmaxact measure` command; CHECKPOINT stands for a folder without an id."""
    model, protocol = report["model"], report["protocol"]
    options: dict[str, str | int | None] = {
        "--revision": model["commit"] if model["id"] else None,
        "--base": _base(report),
        "--corpus": _corpus(protocol["corpus"]),
        "--num-samples": protocol["corpus"]["num_samples"],
        "--max-seq-len": protocol["max_seq_len"],
        "--special-tokens": protocol["special_tokens"]["policy"],
        "--dtype": protocol["dtype"],
        "--batch-tokens": protocol["batch_tokens"],
        "--calibration-samples": protocol["calibration_samples"],
        "--evaluation-samples": protocol["evaluation_samples"],
        "--cpu-threads": threads_of(report["environment"]),
        "--products": _products(report["environment"]),
        "--profile": protocol["profile"],
        "--format-errors": "per-tensor" if protocol.get("format_errors") == "per_tensor" else None,
    }
    words = [f"{name} {word(str(value))}" for name, value in options.items() if value is not None]
    words += [f"--end-to-end {word(asked)}" for asked in _end_to_end(report)]
    if "simulated_activations" in protocol:
        words.append("--simulate-activations")
    words += _own_code(report)
    if report["coverage"]["missing"]:
        words.append("--allow-partial")
    return _wrapped([f"hubmaxact measure {_checkpoint(report)}", *words])


def _base(report: Report) -> str | None:
    """What an adapter was merged into, at its commit; BASE stands for a folder."""
    base = report["model"].get("adapter_base")
    if base is None:
        return None
    if base["id"] is None:
        return "BASE"
    return base["id"] + (f"@{base['commit']}" if base["commit"] else "")


def _end_to_end(report: Report) -> list[str]:
    """What was asked to be rounded."""
    rows = report["end_to_end"]["rows"] if "end_to_end" in report else ()
    return [f"{row['target']}:{row['format']}/{row['granularity']}/{row['policy']}" for row in rows]


def _products(environment: Environment) -> str | None:
    """What another CPU would choose otherwise; other devices multiply natively by themselves."""
    said = environment.get("products")
    return said if environment["device_type"] == "cpu" or said == FLOAT32 else None


def _own_code(report: Report) -> list[str]:
    """What lets the checkpoint's own code run, where the report was measured with it."""
    return ["--trust-remote-code"] if report["model"]["remote_code"] else []


def verify(report: Report) -> str:
    """The `hubmaxact verify` command: from the Hub when the model has an id, else from the file."""
    file = f"{REPORT_NAME} " if report["model"]["id"] is None else ""
    corpus = report["protocol"]["corpus"]
    given = [] if corpus["name"] in NAMED_CORPORA else [f"--corpus {word(_corpus(corpus))}"]
    if (base := report["model"].get("adapter_base")) is not None and base["id"] is None:
        given.append("--base BASE")
    given += _own_code(report)
    return _wrapped([f"hubmaxact verify {file}{_checkpoint(report)}", *given])


def _corpus(corpus: CorpusFacts) -> str:
    """What `--corpus` takes: a name of ours, a data set at its commit, or a file of that stem."""
    name, version = corpus["name"], corpus["version"]
    if name in NAMED_CORPORA:
        return name
    if "/" not in name:
        return f"{name}.jsonl" if is_safe(name) else SOME_FILE
    return f"hf://datasets/{name}" + (f"@{version}" if version else "")


def _checkpoint(report: Report) -> str:
    return "CHECKPOINT" if report["model"]["id"] is None else word(report["model"]["id"])


def _wrapped(words: list[str]) -> str:
    """Break a long command with backslashes, where the shell allows it."""
    lines = [words[0]]
    for part in words[1:]:
        if len(lines[-1]) + len(part) + 3 > WIDTH:
            lines.append(f"  {part}")
        else:
            lines[-1] += f" {part}"
    return " \\\n".join(lines)
