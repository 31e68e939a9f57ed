"""`hubmaxact push` and the README that is there: kept whole, or left alone with a way out."""

import pytest
from loopback_hub.desk import README


@pytest.mark.nightly
def test_a_readme_cut_short_on_the_way_is_not_published(desk):
    desk.hub.faults.add("GET", "/resolve/", delivery="truncate")
    assert desk.push().code == 0
    assert b"Words.\n" in desk.repo.read("README.md")


def test_a_wrong_readme_is_not_published(desk):
    desk.hub.faults.add("GET", "/resolve/", status=200, body=b"# another")
    done = desk.push()
    assert done.code == 2
    assert "could not be read whole" in done.stderr


@pytest.mark.nightly
def test_a_readme_that_is_listed_and_not_there_does_not_deny_the_repository(desk):
    desk.hub.faults.add("GET", "/resolve/", status=404, times=99)
    done = desk.push()
    assert done.code == 2
    assert "the README of alice/model could not be read whole" in done.stderr


@pytest.mark.nightly
def test_a_card_that_the_hub_refuses_can_be_bypassed(desk):
    readme = b"---\nlicense: [mit\n---\ntext\n"
    desk.repo.commit({"README.md": readme})
    done = desk.push()
    assert done.code == 2
    assert "the Hub refuses the YAML at the top of the README of alice/model" in done.stderr
    assert "--json-only" in done.stderr
    assert desk.push("--json-only").code == 0
    assert desk.repo.read("README.md") == readme


@pytest.mark.nightly
def test_a_readme_by_another_name_is_refused(desk):
    desk.repo.commit({"README.md": None, "readme.md": b"# x\n"})
    done = desk.push()
    assert done.code == 2
    assert "has a readme.md where the Hub reads README.md" in done.stderr


def test_a_readme_that_cannot_be_edited_can_be_bypassed(desk):
    desk.repo.commit({"README.md": b"# A\n<pre>\n"})
    done = desk.push()
    assert done.code == 2
    assert done.stderr == (
        "hubmaxact: in alice/model, the <pre> opened on line 2 of the README is never closed, so a "
        "section after it would be part of it. Close it and try again. Or push the report alone "
        "with --json-only.\n"
    )
    assert desk.push("--json-only").code == 0


def test_crlf_and_byte_order_mark_survive(desk):
    before = b"\xef\xbb\xbf" + README.replace(b"\n", b"\r\n")
    desk.repo.commit({"README.md": before})
    assert desk.push().code == 0
    after = desk.repo.read("README.md")
    assert after.startswith(before.replace(b"- text\r\n", b"- text\r\n- activation-maxima\r\n"))
    assert after.count(b"\n") == after.count(b"\r\n")


def test_a_repository_without_a_readme_gets_one(desk):
    desk.repo.commit({"README.md": None})
    assert desk.push().code == 0
    assert desk.repo.read("README.md").startswith(b"---\ntags:\n- activation-maxima\n---\n")
