"""One text is no plural, wherever a count is told."""

import re

import example_reports
from rich.console import Console

from hubmaxact.cli.measure_progress import RichWatcher
from hubmaxact.measurement.batch_plan import plan_batches
from hubmaxact.printable import counted
from hubmaxact.rendering import section, summary
from hubmaxact.rendering.terminal import show
from hubmaxact.report.consistency import contradictions

PLURAL = re.compile(
    r"(?<![\d.,])1 (texts|samples|batches|tokens|files|tensors|layers|sites|rules|elements|rows)\b"
)


def test_a_noun_agrees_with_its_number():
    assert [counted(n, "batch", "batches") for n in (0, 1, 1000)] == [
        "0 batches",
        "1 batch",
        "1,000 batches",
    ]


def test_a_report_on_one_token_of_one_text_has_no_plural():
    report = example_reports.small_report()
    report["protocol"]["corpus"] |= {"num_samples": 1, "num_tokens": 1, "domains": {"math": 1}}
    console = Console(width=200, record=True)
    show(report, console)
    card = section.compose(report, "0" * 64)
    said = f"{card}\n{summary.render(report)}\n{console.export_text()}"
    assert "1 token" in said
    assert PLURAL.search(said) is None, PLURAL.search(said)


def test_what_contradicts_itself_in_a_report_on_one_text_is_told_without_a_plural():
    report = example_reports.small_report()
    report["model"]["num_layers"] = 1
    report["protocol"]["corpus"] |= {"num_samples": 1, "num_tokens": 2**40, "domains": {"math": 1}}
    report["protocol"]["max_seq_len"] = 1
    report["sites"][1] |= {"count": 1, "num_nan": 1}
    report["stability"] = {"subsets": report["stability"]["subsets"][:1], "reason": "few"}
    said = "\n".join(str(problem) for problem in contradictions(report))
    for words in ("1 text of at most 1 token have", "but 1 element is not finite", "has 1 row"):
        assert words in said
    assert PLURAL.search(said) is None, PLURAL.search(said)


def test_progress_over_one_batch_has_no_plural(capsys):
    plan = plan_batches([1], calibration=0, evaluation=0, batch_tokens=1)
    with RichWatcher() as watcher:
        watcher.planned(plan, 1, 1)
        watcher.batch_done(plan.batches[0])
    said = capsys.readouterr().err
    assert re.search(
        r"Measuring 1 site over 1 token in 1 batch\n1/1 batch, [\d,]+ tokens/s, about", said
    )
