"""`hubmaxact push --pr`: one open pull request at most, nobody else's touched, a no respected."""

import pytest
from loopback_hub.desk import README, REPO, WEIGHTS, report_on

JSON = "activation_maxima.json"
TITLE = "Add activation maxima"
MARKER = "<!-- hubmaxact:pull-request -->"


@pytest.fixture
def bob(hub):
    """A stranger's token: may read alice's model and discuss it, no more."""
    return hub.accounts.issue("bob")


def offer(desk):
    """What an earlier `push --pr --json-only` of bob's left."""
    desk.repo.open_pull_request({JSON: desk.report}, title=TITLE, message=MARKER, author="bob")


def new_report(desk):
    desk.file.write_bytes(report_on(WEIGHTS, stage="base"))


def test_a_stranger_offers_a_pull_request(desk, bob):
    done = desk.push("--pr", token=bob)
    assert done.code == 0
    assert done.stdout == f"{desk.hub.url}/{REPO}/discussions/1\n"
    pull = desk.repo.discussions[1]
    assert (pull.title, pull.author, pull.base) == (TITLE, "bob", "main")
    description = pull.events[0]["data"]["latest"]["raw"]
    assert "https://arxiv.org/abs/2605.15572" in description
    assert desk.repo.read(JSON, "refs/pr/1") == desk.report
    assert desk.commits() == []
    desk.repo.merge(1)
    assert desk.repo.read(JSON) == desk.report


@pytest.mark.nightly
def test_a_stranger_who_pushes_to_main_is_told_of_pull_requests(desk, bob):
    done = desk.push(token=bob)
    assert done.code == 2
    assert "may not do this to alice/model (403)" in done.stderr
    assert "--pr" in done.stderr


def test_an_open_pull_request_is_updated_and_never_doubled(desk, bob):
    offer(desk)
    url = f"{desk.hub.url}/{REPO}/discussions/1\n"
    assert desk.push("--pr", token=bob).stdout == url  # adds the section
    again = desk.push("--pr", token=bob)
    assert (again.code, again.stdout) == (0, url)
    assert "already up to date" in again.stderr
    new_report(desk)
    assert desk.push("--pr", token=bob).stdout == url
    assert len(desk.repo.discussions) == 1
    assert desk.repo.read(JSON, "refs/pr/1") == desk.report
    assert desk.commits("refs/pr/1") == [TITLE, TITLE, TITLE]


@pytest.mark.nightly
def test_what_the_owner_wrote_in_the_pull_request_stays(desk, bob):
    offer(desk)
    readme = README + b"owner's words\n"
    desk.repo.commit({"README.md": readme}, branch="refs/pr/1")
    new_report(desk)
    assert desk.push("--pr", token=bob).code == 0
    readme = desk.repo.read("README.md", "refs/pr/1")
    assert b"owner's words\n" in readme
    assert b"## Activation maxima" in readme


def test_a_pull_request_that_is_not_ours_is_not_touched(desk, bob):
    desk.repo.branch("next")
    others = [
        ("Another title", MARKER, "bob", "main"),
        (TITLE, "no marker", "bob", "main"),
        (TITLE, MARKER, "mallory", "main"),
        (TITLE, MARKER, "bob", "next"),
    ]
    for title, text, author, base in others:
        desk.repo.open_pull_request(
            {"evil.txt": b""}, title=title, message=text, author=author, base=base
        )
    assert desk.push("--pr", token=bob).stdout.endswith("/discussions/5\n")
    for num in range(1, 5):
        assert desk.repo.read(JSON, f"refs/pr/{num}") is None


def test_a_ci_token_does_not_take_a_pull_request_that_changes_more(desk):
    secret = desk.hub.accounts.issue("alice", only=REPO)
    desk.repo.open_pull_request(
        {"evil.txt": b"x", JSON: b"{}"}, title=TITLE, message=MARKER, author="mallory"
    )
    assert desk.push("--pr", token=secret).stdout.endswith("/discussions/2\n")
    assert desk.repo.read(JSON, "refs/pr/1") == b"{}"


def test_a_report_that_was_declined_is_not_offered_again(desk, bob):
    offer(desk)
    desk.repo.close(1)
    done = desk.push("--pr", token=bob)
    assert done.code == 2
    assert "closed without merging" in done.stderr
    assert f"{desk.hub.url}/{REPO}/discussions/1" in done.stderr
    assert len(desk.repo.discussions) == 1


@pytest.mark.nightly
def test_a_new_report_may_be_offered_after_a_refusal(desk, bob):
    offer(desk)
    desk.repo.close(1)
    new_report(desk)
    assert desk.push("--pr", token=bob).stdout.endswith("/discussions/2\n")


@pytest.mark.nightly
def test_a_reopened_pull_request_is_used_again(desk, bob):
    offer(desk)
    desk.repo.close(1)
    desk.repo.reopen(1)
    assert desk.push("--pr", token=bob).code == 0


def after_the_look(desk, act):
    """Let the owner act when our commit is under way."""
    desk.hub.faults.add("POST", "/commit/refs", before=act)


@pytest.mark.nightly
def test_a_pull_request_merged_meanwhile_is_followed_by_another(desk, bob):
    offer(desk)
    new_report(desk)
    after_the_look(desk, lambda: desk.repo.merge(1))
    done = desk.push("--pr", token=bob)
    assert (done.code, done.stdout) == (0, f"{desk.hub.url}/{REPO}/discussions/2\n")
    assert "Try 1: the pull request was merged meanwhile" in done.stderr
    assert desk.repo.read(JSON, "refs/pr/2") == desk.report


@pytest.mark.nightly
def test_a_pull_request_closed_meanwhile_is_no_success(desk, bob):
    offer(desk)
    new_report(desk)
    after_the_look(desk, lambda: desk.repo.close(1))
    done = desk.push("--pr", token=bob)
    assert (done.code, done.stdout) == (2, "")
    url = f"{desk.hub.url}/{REPO}/discussions/1"
    assert f"the pull request {url} was closed while this report was pushed" in done.stderr
    assert "Done." not in done.stderr


@pytest.mark.nightly
def test_new_weights_on_main_stop_an_old_pull_request(desk, bob):
    offer(desk)
    desk.repo.commit({"model-00001-of-00002.safetensors": b"new"})
    new_report(desk)
    assert desk.push("--pr", token=bob).code == 2


@pytest.mark.nightly
def test_a_pull_request_against_a_branch(desk, bob):
    desk.repo.branch("next")
    offer(desk)
    assert desk.push("--pr", "--revision", "next", token=bob).stdout.endswith("/discussions/2\n")
    assert desk.repo.discussions[2].base == "next"
