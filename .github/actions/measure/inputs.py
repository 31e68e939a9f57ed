"""The inputs of the action: what each may be, and a sentence for one that is something else.

Values come from the environment, where only the runner puts them. Knows shapes; whether a
repository or a file exists is for hubmaxact to say. Run as a script, it checks them all.
"""

import json
import os
import re
from pathlib import Path
from typing import NamedTuple

import runner

REPORT_NAME = "activation_maxima.json"
LONGEST = 400
LONGEST_SHOWN = 60
NUMBER = r"([0-9]+\.?|[0-9]*\.[0-9]+)([eE][+-]?[0-9]+)?"
COUNT = r"[1-9][0-9]{0,8}"
# Not a dash first, which is an option's; no control characters.
PATH = r"[^-\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*"
SEPARATOR = r"[,\s]+"
BLANKS = " \t\r\n"


# What git takes for a tag, without what a shell or Markdown would act on; letters of any script.
TAG_LETTER = r"(?:[\w.+@=,#-]|[^\x00-\x7f])"
TAG_PART = rf"(?!\.){TAG_LETTER}+(?<!\.lock)"
TAG = rf"(?!-)(?!.*\.\.){TAG_PART}(?:/{TAG_PART})*(?<!\.)"


class Input(NamedTuple):
    """A pattern that a whole value matches, in ASCII, and what it asks for in words."""

    pattern: str
    wanted: str
    is_shown: bool = False  # to people, as it is

    def fits(self, value: str) -> bool:
        """Whether the value is one that can be used."""
        is_clear = not self.is_shown or all(map(_is_clear, value))
        return is_clear and re.fullmatch(self.pattern, value, re.ASCII) is not None


def _is_clear(letter: str) -> bool:
    """Whether a letter is seen, turns nothing around, and is no other number than it looks."""
    return letter.isprintable() and (letter.isascii() or not letter.isdigit())


INPUTS = {
    "repo": Input(r"\w[\w.-]{0,95}/\w[\w.-]{0,95}", "a model repository, as owner/name"),
    "mode": Input(r"pr|commit|dry-run", "pr, commit or dry-run"),
    "revision": Input(r"\w[\w./-]{0,199}", "the name of a branch on the Hub, such as main"),
    "report": Input(PATH, "the path of a report"),
    "release": Input(TAG, "the name of a release, such as v1.2.3", is_shown=True),
    "gate": Input(PATH, "the path of a TOML file"),
    "max-abs": Input(NUMBER, "a positive number"),
    "not-exceeding": Input(
        r"[\s,]*\w[\w\s,]*", "formats such as float16, separated by spaces or commas"
    ),
    "cache-not-exceeding": Input(
        r"[\s,]*\w[\w\s,]*", "formats such as fp8_e4m3, separated by spaces or commas"
    ),
    "min-sqnr-db": Input(
        r"[\s,]*\w[\w.:=+/@\s,-]*", "FORMAT=DB such as int8=20, separated by spaces"
    ),
    "max-loss-change": Input(
        r"[\s,]*\w[\w.:=+/\s,-]*", "FORMAT=NATS such as int8/per_token=0.02, separated by spaces"
    ),
    "against": Input(PATH, "the path of an earlier report"),
    "max-ratio": Input(NUMBER, "a positive number"),
    "require-complete": Input(r"true|false", "true or false"),
    "checkpoint": Input(PATH, "a folder, or a model repository as owner/name"),
    "base": Input(PATH, "a folder, or a model repository as owner/name"),
    "preset": Input(r"paper", "paper, or left out"),
    "corpus": Input(PATH, "probe-5k, paper, FILE.jsonl, FILE.jsonl.gz or hf://datasets/OWNER/NAME"),
    "num-samples": Input(COUNT, "a positive whole number"),
    "max-seq-len": Input(COUNT, "a positive whole number"),
    "dtype": Input(r"[a-z][a-z0-9]{0,15}", "auto, bf16, fp16, fp32, or their long names"),
    "device": Input(r"[a-z]+(:\d{1,3})?", "auto, cpu, cuda, cuda:1, ..."),
    "device-map": Input(r"[a-z][a-z0-9_]{0,31}", "auto, balanced, balanced_low_0 or sequential"),
    "version": Input(
        r"\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?", "a release such as 0.1.0"
    ),
}
ALWAYS_NEEDED = ("repo", "mode", "revision", "report")


def read(name: str) -> str:
    """Return the value of an input, empty when it was left out; stop the step if it is unfit."""
    wanted, given = INPUTS[name], os.environ.get(f"INPUT_{name.upper().replace('-', '_')}", "")
    value = given.strip(BLANKS)  # as the runner's own actions take theirs
    if not value and name not in ALWAYS_NEEDED:
        return ""
    if len(value) > LONGEST or not wanted.fits(value):
        found = json.dumps(value[:LONGEST_SHOWN])
        runner.fail(f"the input {name} must be {wanted.wanted}; found {found}.")
    return value


def report() -> str:
    """Return the path of the report; a folder stands for the report in it."""
    path = Path(read("report"))
    return str(path / REPORT_NAME if path.is_dir() else path)


def listed(name: str) -> list[str]:
    """Return the words of an input that is a list."""
    return [word for word in re.split(SEPARATOR, read(name)) if word]


def check_event(event: str, mode: str) -> None:
    """Stop where a stranger's change could publish: in a run that a pull request started."""
    if event == "pull_request_target":
        runner.fail(f"this action does not run on {event}, where a stranger's change has secrets.")
    if event.startswith("pull_request") and mode != "dry-run":
        runner.fail(
            f"a run on {event} may only be a dry run, found mode {mode}. Publish from a tag or a "
            "release, or set mode to dry-run."
        )


def main() -> None:
    """Check every input before anything is installed."""
    for name in INPUTS:
        read(name)
    check_event(os.environ.get("GITHUB_EVENT_NAME", ""), read("mode"))


if __name__ == "__main__":
    runner.run(main)
