"""`hubmaxact verify` of a report of profile `deployment`: all that it holds is looked at."""

import json
import shutil

import pytest
from command import DENSE, hubmaxact_here

TEXT = {"text": "The river froze before the ferry could turn back.", "domain": "a"}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A measured copy of the dense model; one batch holds every text."""
    home = tmp_path_factory.mktemp("deployed")
    shutil.copytree(DENSE, home / "model")
    (home / "texts.jsonl").write_text(f"{json.dumps(TEXT)}\n" * 4)
    result = hubmaxact_here(
        "measure", "model", "--corpus", "texts.jsonl", "--profile", "deployment", cwd=home
    )
    assert result.returncode == 0, result.stderr
    return home


def verified(measured, edit=lambda report: None):
    report = json.loads((measured / "activation_maxima.json").read_text())
    edit(report)
    path = measured / "edited.json"
    path.write_text(json.dumps(report))
    return hubmaxact_here("verify", path, "model", "--corpus", "texts.jsonl", cwd=measured)


def test_a_true_report_is_reproduced(measured):
    result = verified(measured)
    assert result.returncode == 0, result.stdout
    assert "98 sites within the reported maxima" in result.stdout


def _halved_input(report):
    row = report["linear_inputs"][3]
    row["abs_quantiles"] = dict.fromkeys(row["abs_quantiles"], 0.0)
    row["abs_max"], row["rms"], row["block_max_quantiles"] = row["abs_max"] / 2, 0.0, None


def _halved_keys(report):
    row = report["kv"][2]["key"]
    row["per_head"] = [value / 4 for value in row["per_head"]]
    row["abs_max"] /= 4


def _halved_logits(report):
    for row in report["kv"]:
        row["attention_logit"]["value"] /= 4


@pytest.mark.by_day("_halved_keys*")
@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (_halved_input, "linear_input report"),
        (_halved_keys, "key report"),
        (_halved_logits, "attention logit report"),
    ],
)
def test_a_maximum_that_a_batch_exceeds_is_caught(measured, edit, said):
    result = verified(measured, edit)
    assert result.returncode == 1
    assert said in result.stdout
