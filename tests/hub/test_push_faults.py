"""`hubmaxact push` when the Hub stumbles: what is half known ends known, or is called unknown."""

import itertools

import pytest
from loopback_hub import LoopbackHub, at_once
from loopback_hub.desk import README, REPO, sit_down

JSON = "activation_maxima.json"
TITLE = "Add activation maxima"
COMMIT = "/commit/"

FAILURES = {
    "time-out": {"delivery": "hang", "seconds": 30},
    "500": {"status": 500},
    "reset": {"delivery": "reset"},
    "bad JSON": {"delivery": "garbage"},
}
# Two seconds are enough for a loopback answer and short enough to wait for.
SHORT_TIMEOUT = {"HUBMAXACT_HTTP_TIMEOUT": "2"}


def push_through(failure, applied, options, home):
    """Push once to a fresh Hub whose first commit fails in this way; check what is left."""
    home.mkdir()
    with LoopbackHub() as hub:
        desk = sit_down(hub, home)
        hub.faults.add("POST", COMMIT, applied=applied, **FAILURES[failure])
        done = desk.push(*options, extra=SHORT_TIMEOUT)
        return done, desk.commits(), dict(desk.repo.discussions), desk


@pytest.mark.by_day("pull request")
@pytest.mark.parametrize("options", [(), ("--pr",)], ids=["main", "pull request"])
def test_an_unanswered_commit_ends_in_exactly_one(options, tmp_path):
    cases = list(itertools.product(FAILURES, [True, False]))

    def run(number, failure, applied):
        return push_through(failure, applied, options, tmp_path / str(number))

    arguments = [(number, *case) for number, case in enumerate(cases)]
    for case, (done, commits, pulls, desk) in zip(cases, at_once(run, arguments), strict=True):
        assert done.code == 0, (case, done.stderr)
        assert "Done." in done.stderr, case
        if options:
            assert (commits, list(pulls)) == ([], [1]), case
            assert done.stdout == f"{desk.hub.url}/{REPO}/discussions/1\n", case
            assert desk.commits("refs/pr/1") == [TITLE], case
            assert desk.repo.read(JSON, "refs/pr/1") == desk.report, case
        else:
            assert (commits, list(pulls)) == ([TITLE], []), case
            assert desk.repo.resolve("main").sha in done.stdout, case
            assert desk.repo.read(JSON) == desk.report, case


@pytest.mark.nightly
def test_a_truncated_answer_and_a_late_read_end_in_one_commit(desk):
    desk.hub.faults.add("POST", COMMIT, delivery="truncate")
    desk.hub.faults.add("GET", "/revision/main", skip=1, stale=True)
    done = desk.push()
    assert done.code == 0, done.stderr
    assert desk.commits() == [TITLE]


@pytest.mark.nightly
def test_a_hub_that_never_answers_leaves_the_user_with_two_places_to_look(desk):
    desk.hub.faults.add("POST", COMMIT, status=502, times=99)
    done = desk.push()
    assert done.code == 2
    last = done.stderr.splitlines()[-1]
    assert "it is not known whether the commit to alice/model arrived: status 502." in last
    assert f"{desk.hub.url}/{REPO}/commits/main" in last
    assert f"{desk.hub.url}/{REPO}/discussions" in last
    assert len(desk.hub.asked("POST", COMMIT)) == 5


def test_a_commit_whose_fate_cannot_be_read_back_is_reported_as_unknown(desk):
    desk.hub.faults.add("POST", COMMIT, status=500, applied=True)
    desk.hub.faults.add("GET", "/revision/main", skip=1, status=503, times=99)
    done = desk.push()
    assert done.code == 2
    assert "not known whether" in done.stderr
    assert "Reading it back failed too" in done.stderr


REFUSED = [
    ("401", {"status": 401}, "does not accept the token for alice/model (401)"),
    ("403", {"status": 403}, "may not do this to alice/model (403)"),
    ("404", {"status": 404}, "alice/model is not on the Hub, or this token may not see it (404)"),
    (
        "no revision",
        {"status": 404, "headers": {"X-Error-Code": "RevisionNotFound"}},
        "alice/model has no branch main (404)",
    ),
    (
        "400",
        {"status": 400, "body": b'{"error": "because"}'},
        "refused the request for alice/model (400): because. Look at http",
    ),
    (
        "413 in HTML",
        {"status": 413, "body": b"<html>", "headers": {"Content-Type": "text/html"}},
        "refused the request for alice/model (413): no reason given. Look at http",
    ),
    (
        "429 for long",
        {"status": 429, "headers": {"RateLimit": '"api";r=0;t=900'}},
        "rate limit is used up (429). Try again in 900 seconds",
    ),
]


@pytest.mark.parametrize(
    "refused", [pytest.param(REFUSED, marks=pytest.mark.nightly), REFUSED[::3]]
)
def test_a_refusal_is_final_and_says_what_to_do(tmp_path, refused):
    def run(number, how):
        home = tmp_path / str(number)
        home.mkdir()
        with LoopbackHub() as hub:
            desk = sit_down(hub, home)
            hub.faults.add("POST", COMMIT, times=99, **how)
            return desk.push(), len(hub.asked("POST", COMMIT)), desk.commits()

    runs = at_once(run, [(number, row[1]) for number, row in enumerate(refused)])
    for (name, _, words), (done, num_commits, commits) in zip(refused, runs, strict=True):
        assert (done.code, done.stdout, num_commits, commits) == (2, "", 1, []), (name, done.stderr)
        assert words in done.stderr, name
        assert len(done.stderr.splitlines()) == 1, name


def test_a_held_lock_is_waited_for(desk):
    desk.hub.faults.add("POST", COMMIT, status=409, times=3)
    done = desk.push()
    assert done.code == 0
    assert done.stderr.count("another commit is in progress (409)") == 3
    assert desk.commits() == [TITLE]


@pytest.mark.nightly
def test_a_lock_that_is_never_released_is_given_up(desk):
    desk.hub.faults.add("POST", COMMIT, status=409, times=99)
    done = desk.push()
    assert done.code == 2
    assert len(desk.hub.asked("POST", COMMIT)) == 8
    assert "does not end (409)" in done.stderr.splitlines()[-1]


@pytest.mark.nightly
def test_a_token_that_only_gets_412_does_not_loop(desk):
    desk.hub.faults.add("POST", COMMIT, status=412, times=99)
    done = desk.push()
    assert done.code == 2
    assert len(desk.hub.asked("POST", COMMIT)) == 5
    assert "moved each time before the commit arrived (412)" in done.stderr.splitlines()[-1]


def test_a_rate_limit_is_waited_out(desk):
    headers = {"RateLimit": '"api";r=0;t=0'}
    desk.hub.faults.add("POST", COMMIT, status=429, headers=headers)
    desk.hub.faults.add("GET", "/revision/main", status=429, headers={"Retry-After": "0"})
    done = desk.push()
    assert done.code == 0
    assert "Try 1: the rate limit is used up (429)" in done.stderr
    assert done.stderr.count("The Hub's rate limit is used up; waiting 1 second.") == 2
    assert desk.commits() == [TITLE]


@pytest.mark.nightly
def test_a_pause_that_is_asked_for_is_not_called_a_rate_limit(desk):
    desk.hub.faults.add("POST", COMMIT, status=503, headers={"Retry-After": "0"})
    done = desk.push()
    assert done.code == 0
    assert "The Hub asks to try later; waiting 1 second." in done.stderr
    assert "rate limit" not in done.stderr


@pytest.mark.by_day("/preupload/")
@pytest.mark.parametrize("path", ["/api/validate-yaml", "/preupload/"])
def test_a_commit_that_was_never_sent_is_not_called_half_known(desk, path):
    desk.hub.faults.add("POST", path, status=200, body=b"null", times=99)
    done = desk.push()
    assert done.code == 2
    assert "not known whether" not in done.stderr
    assert "Try 1: no usable answer before the commit" in done.stderr
    assert "gives no usable answer: the answer cannot be read." in done.stderr.splitlines()[-1]


@pytest.mark.nightly
def test_a_colleague_who_edits_the_readme_meanwhile_loses_nothing(desk):
    def edit():
        text = desk.repo.read("README.md").replace(b"Words.", b"Better words.")
        desk.repo.commit({"README.md": text}, title="human edit")

    desk.hub.faults.add("POST", COMMIT, before=edit)
    done = desk.push()
    assert done.code == 0
    assert desk.commits() == [TITLE, "human edit"]
    readme = desk.repo.read("README.md")
    assert b"Better words." in readme
    assert b"## Activation maxima" in readme


def test_weights_that_are_replaced_meanwhile_stop_the_push(desk):
    shard = "model-00001-of-00002.safetensors"
    desk.hub.faults.add("POST", COMMIT, before=lambda: desk.repo.commit({shard: b"new"}))
    done = desk.push()
    assert done.code == 2
    assert f"{shard} has sha256" in done.stderr
    assert desk.repo.read(JSON) is None


def test_two_pushes_at_once_make_one_commit(desk):
    for done in at_once(desk.push, [(), ()]):
        assert done.code == 0, done.stderr
    assert desk.commits() == [TITLE]


@pytest.mark.nightly
def test_reads_are_tried_again(desk):
    for path in ("/revision/main", "/tree/", "/resolve/"):
        desk.hub.faults.add("GET", path, delivery="reset")
    desk.hub.faults.add("GET", "/revision/main", status=503)
    assert desk.push().code == 0


STRANGE = [
    ("/revision/", b'{"id": "alice/model", "sha": 5}', "names no commit for main of alice/model"),
    (
        "/tree/",
        b'[{"type": "file", "path": 5, "size": "x", "oid": []}]',
        "no usable answer: the answer cannot be read.",
    ),
]


@pytest.mark.by_day("/tree/*")
@pytest.mark.parametrize(("path", "body", "words"), STRANGE)
def test_a_strange_answer_ends_in_a_sentence(desk, path, body, words):
    desk.hub.faults.add("GET", path, status=200, body=body, times=99)
    done = desk.push()
    assert done.code == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.nightly
def test_what_the_server_says_is_made_harmless(desk):
    words = "\x1b[31mred\x07 \u202e::set-output name=x::y " + desk.hub.token
    body = (
        '{"error": "' + words.encode("unicode_escape").decode().replace("\\x", "\\u00") + '"}'
    ).encode()
    desk.hub.faults.add("POST", COMMIT, status=400, body=body)
    done = desk.push()
    assert done.code == 2
    assert "red ::set-output name=x::y [token]" in done.stderr
    assert "\x1b" not in done.said
    assert desk.hub.token not in done.said


def test_the_token_is_never_shown(desk):
    secret = desk.hub.token
    debug = {"HUBMAXACT_DEBUG": "1", "HF_DEBUG": "0"}
    desk.hub.faults.add("POST", COMMIT, status=500, body=secret.encode())
    desk.hub.faults.add("POST", COMMIT, status=403, headers={"X-Error-Message": f"no {secret}"})
    done = desk.push(extra=debug)
    assert secret not in done.said + desk.push().said
    assert done.code == 1
    assert "HubError" in done.stderr


def test_the_token_does_not_follow_a_redirect_to_another_host(desk):
    with LoopbackHub() as other:
        target = f"http://localhost:{other.url.rpartition(':')[2]}/{REPO}/resolve/main/README.md"
        other.create_repo(REPO, files={"README.md": README})
        desk.hub.faults.add("GET", "/resolve/", status=302, headers={"Location": target})
        assert desk.push().code == 0
        assert [each.authorization for each in other.requests] == [None]
