"""`make lint` and the hooks before a commit are one list, and the makefile is where it stands."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]


def test_the_hooks_are_what_make_lint_runs():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    linters = re.search(r"^LINTERS := (.+)$", makefile, re.MULTILINE)[1].split()
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    (repo,) = config["repos"]
    assert [hook["id"] for hook in repo["hooks"]] == linters
    for hook in repo["hooks"]:
        assert hook["entry"] == f"make --silent lint-{hook['id']}"
        assert f"\nlint-{hook['id']}: $(VENV)/linters\n" in makefile


def test_no_hook_is_fetched():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    (repo,) = config["repos"]
    assert repo["repo"] == "local"
    assert {hook["language"] for hook in repo["hooks"]} == {"system"}
