"""`hubmaxact card` prints, shows a diff, or writes; a second time it changes nothing."""

import hashlib
import json
import os
import resource
import subprocess
from functools import partial

import example_reports
import pytest
from click.testing import CliRunner

from hubmaxact.cli.card import card
from hubmaxact.errors import HubmaxactError, ReadmeError
from hubmaxact.files import WriteError
from hubmaxact.publication.folder import check
from hubmaxact.rendering import summary
from hubmaxact.rendering.picture.layers import layers_svg
from hubmaxact.rendering.section import compose, render
from hubmaxact.report.inputs import BadInputError
from hubmaxact.report.source import UnreadableFileError, find
from hubmaxact.report.write import report_bytes

REPORT = example_reports.small_report()
README = b"---\r\nlicense: mit\r\n---\r\n# A model\r\n\r\nWords.\r\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "report.json").write_bytes(report_bytes(REPORT))
    (tmp_path / "README.md").write_bytes(README)
    return tmp_path


def run(folder, *words):
    arguments = [str(folder / "report.json"), *map(str, words)]
    return CliRunner().invoke(card, arguments, catch_exceptions=False)


def test_the_section_goes_to_stdout(folder):
    result = run(folder)
    assert result.exit_code == 0
    assert result.stdout == render(REPORT)
    assert result.stderr == ""


def laid_out_anew(folder):
    """The same report as another program writes it, and the digest of that file."""
    content = json.dumps(json.loads(report_bytes(REPORT)), indent=4).encode()
    (folder / "report.json").write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def test_the_digest_is_that_of_the_very_file(folder):
    sha256 = laid_out_anew(folder)
    assert run(folder).stdout == compose(REPORT, sha256)
    run(folder, "--readme", folder / "README.md", "--write")
    assert sha256 in (folder / "README.md").read_text("utf-8")


def test_a_report_on_standard_input_is_read(folder):
    sha256 = laid_out_anew(folder)
    content = (folder / "report.json").read_bytes()
    for name in ("-", "/dev/stdin"):
        result = CliRunner().invoke(card, [name], input=content, catch_exceptions=False)
        assert result.stdout == compose(REPORT, sha256)


def test_a_section_that_leads_to_no_such_file_is_advised_on(folder):
    placed = ["--readme", folder / "README.md", "--write"]
    assert "there is no activation_maxima.json" in run(folder, *placed).stderr
    (folder / "activation_maxima.json").write_bytes(b"{}")
    assert "activation_maxima.json is another file" in run(folder, *placed).stderr
    (folder / "activation_maxima.json").write_bytes((folder / "report.json").read_bytes())
    assert "activation_maxima.json" not in run(folder, *placed).stderr


def test_the_summary_goes_to_stdout_and_into_no_readme(folder):
    result = run(folder, "--format", "summary")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{summary.render(REPORT)}\n"
    refused = run(folder, "--format", "summary", "--readme", folder / "README.md", "--write")
    assert refused.exit_code == 2
    assert "what goes into a README is a section" in refused.stderr
    assert (folder / "README.md").read_bytes() == README


def test_a_diff_changes_nothing_and_applies(folder):
    readme = folder / "README.md"
    result = run(folder, "--readme", readme)
    assert readme.read_bytes() == README
    assert not (folder / "activation_maxima").exists()
    subprocess.run(["git", "apply", "-"], cwd=folder, input=result.stdout_bytes, check=True)
    applied = readme.read_bytes()
    readme.write_bytes(README)
    run(folder, "--readme", readme, "--write")
    assert readme.read_bytes() == applied


def test_writing_places_section_and_picture(folder):
    result = run(folder, "--readme", folder / "README.md", "--write")
    assert result.exit_code == 0
    assert result.stdout == ""
    text = (folder / "README.md").read_bytes()
    assert render(REPORT).replace("\n", "\r\n").encode() in text
    assert b"# A model\r\n\r\nWords.\r\n" in text
    picture = (folder / "activation_maxima" / "layers.svg").read_text("utf-8")
    assert picture == layers_svg(REPORT)


def test_a_second_time_changes_nothing(folder):
    run(folder, "--readme", folder / "README.md", "--write")
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*.*")}
    result = run(folder, "--readme", folder / "README.md", "--write")
    assert "already up to date" in result.stderr
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*.*")} == before
    assert run(folder, "--readme", folder / "README.md").stdout == ""


def test_a_missing_readme_is_a_new_one(folder):
    (folder / "README.md").unlink()
    run(folder, "--readme", folder / "README.md", "--write")
    assert "## Activation maxima" in (folder / "README.md").read_text("utf-8")


def test_writing_needs_a_readme(folder):
    result = run(folder, "--write")
    assert result.exit_code == 2
    assert "--write needs --readme" in result.stderr


def test_a_damaged_readme_is_left_alone(folder):
    damaged = README + b"<!-- hubmaxact:begin -->\r\n"
    (folder / "README.md").write_bytes(damaged)
    with pytest.raises(HubmaxactError) as caught:
        run(folder, "--readme", folder / "README.md", "--write")
    assert caught.value.exit_code == 2
    assert (folder / "README.md").read_bytes() == damaged
    assert not (folder / "activation_maxima").exists()


def test_an_invalid_report_is_not_rendered(folder):
    text = (folder / "report.json").read_text()
    (folder / "report.json").write_text(text.replace('"num_layers": 4', '"num_layers": 3'))
    with pytest.raises(BadInputError, match=r"report\.json: "):
        run(folder)


def test_standard_input_that_holds_nothing_is_no_invalid_report(monkeypatch):
    result = partial(CliRunner().invoke, card, ["-"], catch_exceptions=False)
    with pytest.raises(UnreadableFileError, match="standard input holds no report: it is empty"):
        result(input=b"")
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(UnreadableFileError, match="closed"):
        find("-")


def test_a_file_where_the_folder_should_be_is_named(folder):
    (folder / "activation_maxima").write_text("mine")
    with pytest.raises(HubmaxactError, match="activation_maxima"):
        run(folder, "--readme", folder / "README.md", "--write")
    assert (folder / "README.md").read_bytes() == README


@pytest.mark.parametrize("room", [100, 20_000])
def test_a_full_disk_leaves_the_folder_as_it_was(folder, room):
    """Where the picture has no room, and where it has and the README has not."""
    picture = layers_svg(REPORT)
    assert 100 < len(picture) < 20_000
    (folder / "README.md").write_bytes(README + b" " * 20_000)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        with pytest.raises(WriteError, match="Free some space"):
            run(folder, "--readme", folder / "README.md", "--write")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_folder_is_no_readme(folder):
    with pytest.raises(ReadmeError, match=r"Name the file in it, such as .*/README\.md\."):
        run(folder, "--readme", folder)


def test_a_missing_folder_is_named(folder):
    with pytest.raises(WriteError, match="nowhere"):
        run(folder, "--readme", folder / "nowhere" / "README.md", "--write")


def test_a_report_is_taken_for_no_readme(folder):
    before = (folder / "report.json").read_bytes()
    with pytest.raises(ReadmeError, match=r"report\.json is no README, by its name"):
        run(folder, "--readme", folder / "report.json", "--write")
    assert (folder / "report.json").read_bytes() == before
    with pytest.raises(ReadmeError, match="is not a folder"):
        check(folder / ("a" * 300))


def test_a_readme_that_is_a_link_is_left_alone(folder, tmp_path_factory):
    shared = tmp_path_factory.mktemp("cache") / "blob"
    shared.write_bytes(README)
    (folder / "README.md").unlink()
    (folder / "README.md").symlink_to(shared)
    with pytest.raises(ReadmeError, match=r"README\.md is a symbolic link"):
        run(folder, "--readme", folder / "README.md", "--write")
    assert (folder / "README.md").is_symlink()
    assert shared.read_bytes() == README


@pytest.mark.parametrize("name", ["activation_maxima", "activation_maxima/layers.svg"])
def test_a_picture_is_not_written_through_a_link(folder, tmp_path_factory, name):
    place = folder / name
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(tmp_path_factory.mktemp("elsewhere"))
    with pytest.raises(ReadmeError, match=f"{name} is a symbolic link"):
        run(folder, "--readme", folder / "README.md", "--write")
    assert (folder / "README.md").read_bytes() == README
    assert list(place.resolve().iterdir()) == []


def test_a_readme_is_waited_for_and_read_no_further_than_its_limit(folder):
    os.mkfifo(folder / "pipe.md")
    (folder / "huge.md").touch()
    os.truncate(folder / "huge.md", 2**40)
    with pytest.raises(ReadmeError, match=r"pipe\.md: it is not a regular file"):
        run(folder, "--readme", folder / "pipe.md")
    with pytest.raises(ReadmeError, match=r"huge\.md has more than 5,000,000 bytes"):
        run(folder, "--readme", folder / "huge.md")
