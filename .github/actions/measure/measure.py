"""The step that measures: `hubmaxact measure` on a folder or on a repository of the Hub."""

from pathlib import Path

import credentials
import inputs
import runner
import summary

OPTIONS = (
    *("base", "preset", "corpus", "num-samples", "max-seq-len"),
    *("dtype", "device", "device-map"),
)


def main() -> None:
    """Measure, and leave the report where the next steps look for it."""
    checkpoint, repo = inputs.read("checkpoint"), inputs.read("repo")
    signed_in: dict[str, str] = {}
    if Path(checkpoint).is_dir():
        source = f"--model-id={repo}"
    else:
        source = f"--revision={inputs.read('revision')}"
        if checkpoint == repo:  # what signs in for one repository is shown to no other
            signed_in = credentials.find(repo)
    chosen = [f"--{name}={inputs.read(name)}" for name in OPTIONS if inputs.read(name)]
    done = runner.hubmaxact(
        "measure",
        checkpoint,
        f"--output={inputs.report()}",
        source,
        *chosen,
        credentials=signed_in,
    )
    if done.code != 0:
        heading = summary.heading(repo, inputs.read("release"))
        runner.add_summary(heading, summary.NOT_MEASURED)
        runner.fail(f"measuring failed: {done.reason}", done.code)


if __name__ == "__main__":
    runner.run(main)
