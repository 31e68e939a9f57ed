"""The step that measures: `hubmaxact measure` on a folder or on a repository of the Hub."""

import sys
from pathlib import Path

import credentials
import inputs
import runner

OPTIONS = ("preset", "num-samples", "max-seq-len", "device")


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
    code, _ = runner.hubmaxact(
        "measure",
        checkpoint,
        f"--output={inputs.read('report')}",
        source,
        *chosen,
        credentials=signed_in,
    )
    sys.exit(code)


if __name__ == "__main__":
    main()
