"""The step that publishes: `hubmaxact push`, and its result as outputs and in the summary."""

import json

import credentials
import inputs
import runner
import summary

MODES = {"pr": ["--pr"], "commit": [], "dry-run": ["--dry-run"]}


def main() -> None:
    """Push the report that passed the gate."""
    repo, mode = inputs.read("repo"), inputs.read("mode")
    # A public repository can be looked at by anyone.
    signed_in = credentials.find(repo) if mode == "dry-run" else credentials.demand(repo)
    done = runner.hubmaxact(
        "push",
        inputs.report(),
        repo,
        f"--revision={inputs.read('revision')}",
        "--format=json",
        *MODES[mode],
        credentials=signed_in,
        keep=True,
    )
    if done.code != 0:
        runner.add_summary(summary.NOT_PUBLISHED)
        runner.fail(f"publishing failed: {done.reason}", done.code)
    pushed = json.loads(done.printed)
    runner.set_output("changed", json.dumps(pushed["changed"]))
    runner.set_output("commit-url", pushed["commit_url"] or "")
    runner.set_output("pr-url", pushed["pr_url"] or "")
    runner.add_summary(summary.published(pushed))


if __name__ == "__main__":
    runner.run(main)
