"""The step that decides: is the report valid, and does it keep to the rules?

A no ends the job here, before anything is published; the summary is written either way.
"""

import json
import os
from pathlib import Path

import inputs
import runner
import summary

SINGLE = {"gate": "config", "max-abs": "max-abs", "against": "against", "max-ratio": "max-ratio"}
LISTS = ("not-exceeding", "cache-not-exceeding", "min-sqnr-db", "max-loss-change")


def rules() -> list[str]:
    """Return the options of `hubmaxact check` that the inputs ask for."""
    asked = [
        f"--{option}={inputs.read(name)}" for name, option in SINGLE.items() if inputs.read(name)
    ]
    asked += [f"--{name}={word}" for name in LISTS for word in inputs.listed(name)]
    if inputs.read("require-complete") == "true":
        asked.append("--require-complete")
    return asked


def main() -> None:
    """Validate, set the output, gate, summarize."""
    path = inputs.report()
    heading = summary.heading(inputs.read("repo"), inputs.read("release"))
    _demand(path, heading)
    done = runner.hubmaxact("validate", path)
    if done.code != 0:
        runner.add_summary(heading, summary.INVALID if done.code == 1 else summary.UNREADABLE)
        what = "the report is not valid" if done.code == 1 else "the report could not be read"
        runner.fail(f"{what}: {done.reason}", done.code)
    peak = json.loads(Path(path).read_text("utf-8"))["global_max"]
    runner.set_output("abs-max", json.dumps(peak["abs_max"]) if peak else "")
    shown = runner.hubmaxact("card", path, "--format=summary", keep=True)
    if shown.code != 0:
        runner.add_summary(heading, summary.NOT_SHOWN)
        runner.fail(f"the report could not be shown: {shown.reason}", shown.code)
    _judge(path, heading, shown.printed)


def _demand(path: str, heading: str) -> None:
    """Stop when there is no report at all, which is no fault of a report."""
    if os.path.lexists(path):
        return
    runner.add_summary(heading, summary.MISSING)
    if not any(Path().iterdir()):
        runner.fail(
            f"there is no report at {path}, and nothing else here. Check out the repository in a "
            "step before this one."
        )
    runner.fail(
        f"there is no report at {path} in what was checked out. Commit it before the release is "
        "tagged, or give its path as the input report."
    )


def _judge(path: str, heading: str, shown: str) -> None:
    """Hold the report to the rules; the summary is written either way."""
    asked = rules()
    if not asked:
        runner.add_summary(heading, shown, summary.NO_GATE)
        return
    done = runner.hubmaxact("check", path, *asked, "--format=markdown", keep=True)
    if done.code != 0 and not done.printed:
        runner.add_summary(heading, shown, summary.NO_VERDICT)
        runner.fail(f"the gate could not be applied: {done.reason}", done.code)
    verdict = summary.CLOSED if done.code else summary.OPEN
    runner.add_summary(heading, shown, f"{verdict}\n\n{done.printed}")
    if done.code != 0:
        runner.fail(f"the gate is closed: {done.reason}", done.code)


if __name__ == "__main__":
    runner.run(main)
