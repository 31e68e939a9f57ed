"""A release: a tag, the action's steps, a pull request, the catalog, and what visitors then see."""

import subprocess
from contextlib import suppress

import pytest
from actions.harness import run_workflow
from actions.machine import Machine
from browser.hosts import space
from loopback_hub import LoopbackHub, run_cli
from loopback_hub.desk import REPO, WEIGHTS, sit_down
from playwright.sync_api import expect

JSON = "activation_maxima.json"
COPY = "bob/copy"


def git(folder, *arguments):
    who = ("-c", "user.name=alice", "-c", "user.email=alice@example.org")
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def hub():
    with LoopbackHub() as running:
        running.trusted_publishers.add(REPO)
        yield running


@pytest.fixture
def catalog(hub, tmp_path):
    """Build the catalog of the Hub anew; returns its folder."""

    def build():
        done = run_cli(
            ["catalog", "build", "--from-hub", "--no-paper", "--output", "catalog"], hub, tmp_path
        )
        assert done.code == 0, done.said
        return tmp_path / "catalog"

    return build


@pytest.mark.nightly
def test_from_a_tag_to_what_the_space_shows(hub, catalog, visit, tmp_path):
    machine = Machine(hub, tmp_path / "runner")
    desk = sit_down(hub, machine.workspace)
    git(machine.workspace, "init", "--quiet")
    git(machine.workspace, "add", JSON)
    git(machine.workspace, "commit", "--quiet", "--message", "A release")
    git(machine.workspace, "tag", "v2.0.1")
    machine.ref_name = git(machine.workspace, "describe", "--tags", "--exact-match")

    run = run_workflow("release-report.yml", {"repo": REPO}, machine)
    assert run.code == 0, run.said
    assert run.outputs["pr-url"].endswith(f"{REPO}/discussions/1")
    assert "release `v2.0.1`" in run.summary
    desk.repo.merge(1, author="alice")

    with space(catalog(), tmp_path, HUBMAXACT_REFRESH_SECONDS="0.2") as address:
        visitor = visit(address)

        def trust(name):
            """What the page says of a repository, once it shows the newest index."""
            visitor.open(f"?q={name}")
            return visitor.page.locator("#releases tbody tr", has_text=name).locator(".trust")

        expect(trust(REPO)).to_have_text("current")

        desk.repo.commit({min(WEIGHTS): b"trained on"})
        catalog()
        seen_soon(lambda: expect(trust(REPO)).to_have_text("stale", timeout=500))

        files = {name: desk.repo.read(name) for name in ("README.md", JSON)}
        hub.create_repo(COPY, files={**files, "model.safetensors": b"another model"})
        catalog()
        copied = f"copied from {REPO}"
        seen_soon(lambda: expect(trust(COPY)).to_have_text(copied, timeout=500))


def seen_soon(look, tries=40):
    """Look again until the Space has taken up the index that was just built."""
    for _ in range(tries):
        with suppress(AssertionError):
            return look()
    return look()
