"""The step that decides: is the report valid, and does it keep to the rules?

A no ends the job here, before anything is published; the summary is written either way.
"""

import json
import sys
from pathlib import Path

import inputs
import runner
import summary

SINGLE = {"gate": "config", "max-abs": "max-abs", "against": "against", "max-ratio": "max-ratio"}
LISTS = ("not-exceeding", "min-sqnr-db")


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
    path = inputs.read("report")
    heading = summary.heading(inputs.read("repo"), inputs.read("release"))
    code, _ = runner.hubmaxact("validate", path)
    if code != 0:
        runner.add_summary(heading, summary.INVALID)
        sys.exit(code)
    report = json.loads(Path(path).read_text("utf-8"))
    peak = report["global_max"]
    runner.set_output("abs-max", json.dumps(peak["abs_max"]) if peak else "")
    code, shown = runner.hubmaxact("card", path, "--format=summary", keep=True)
    if code != 0:
        runner.add_summary(heading, summary.NOT_SHOWN)
        sys.exit(code)
    code, verdict = _judge(path)
    runner.add_summary(heading, shown, verdict)
    sys.exit(code)


def _judge(path: str) -> tuple[int, str]:
    """Return the exit code of the gate and what the summary says of it."""
    asked = rules()
    if not asked:
        return 0, summary.NO_GATE
    code, verdict = runner.hubmaxact("check", path, *asked, "--format=markdown", keep=True)
    if not verdict:
        return code, summary.NO_VERDICT
    return code, f"{summary.CLOSED if code else summary.OPEN}\n\n{verdict}"


if __name__ == "__main__":
    main()
