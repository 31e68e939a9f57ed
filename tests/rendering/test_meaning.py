"""docs/meaning.md lists the levels, pictures and ways of rounding that the code has."""

import re
import shlex
from pathlib import Path

import pytest
from command import hubmaxact_here
from end_to_end_reports import end_to_end_report, row
from page_commands import commands_of, parsed

from hubmaxact.deployed_formats import DEPLOYED_FORMATS
from hubmaxact.measurement.asked_rounding import asked_roundings
from hubmaxact.rendering.fit import ways
from hubmaxact.rendering.fit.levels import LEVELS
from hubmaxact.rendering.fit.verdicts import NOTE
from hubmaxact.report.write import report_bytes

PAGE = Path(__file__).parents[2] / "docs" / "meaning.md"
COMMANDS = commands_of(PAGE.read_text("utf-8"))
BLOCK = re.compile(r"(<!-- BEGIN ([a-z]+) -->\n\n).*?(\n\n<!-- END \2 -->)", re.DOTALL)


def levels():
    rows = ["| word | error: SQNR of the worst tensor | as a share | loss: nats a token |"]
    rows.append("| --- | ---: | ---: | ---: |")
    for level in LEVELS:
        last = level is LEVELS[-1]
        bounds = (
            ("below", "above", "above") if last else ("at least", "at most", "at most")
        )  # the last level has none of its own
        own = LEVELS[-2] if last else level
        share = 100 * 10 ** (-own.least_db / 20)
        figures = (f"{own.least_db:g} dB", f"{share:.2g} %", f"{own.most_loss:g}")
        cells = (f"{bound} {figure}" for bound, figure in zip(bounds, figures, strict=True))
        rows.append(f"| {level.word} | {' | '.join(cells)} |")
    return "\n".join(rows)


def conventions():
    rows = ["| way | rounds | convention |", "| --- | --- | --- |"]
    for way in DEPLOYED_FORMATS:
        kinds = "linear inputs, keys, values"
        if len(way.kinds) < 3:
            kinds = "keys, values" if "key" in way.kinds else "linear inputs"
        rows.append(
            f"| `{way.name}` | {kinds} | {way.convention.replace('|x|', '&#124;x&#124;')} |"
        )
    return "\n".join(rows)


BLOCKS = {"levels": levels, "conventions": conventions}


def test_the_page_lists_what_the_code_has(docs_file):
    page = PAGE.read_text("utf-8")
    found = {name for _, name, _ in BLOCK.findall(page)}
    assert found == set(BLOCKS)
    docs_file("meaning.md", BLOCK.sub(lambda m: f"{m[1]}{BLOCKS[m[2]]()}{m[3]}", page))


def test_every_command_is_one_of_ours():
    read = [parsed(command.replace(" N ", " 64 ")) for command in COMMANDS]
    asked = [asked_roundings(each["end_to_end"]) for each in read if "end_to_end" in each]
    assert len(asked) == 2
    assert all(len(names) == 7 for names in asked)


def test_every_command_that_takes_a_report_alone_runs(tmp_path):
    """Over a report by arithmetic, in the place of the one that the page measures."""
    found = end_to_end_report()
    found["end_to_end"]["rows"].append(
        row("linear_inputs", "float8_e4m3fn", "per_tensor", "max_abs", 0.03125, 8000)
    )
    (tmp_path / "gemma.json").write_bytes(report_bytes(found))
    commands = [command for command in COMMANDS if not command.startswith("measure ")]
    assert commands
    for command in commands:
        done = hubmaxact_here(*shlex.split(command), cwd=tmp_path)
        assert done.returncode == 1, done.stderr  # these keys exceed what Gemma's do not
        said = done.stdout.splitlines()
        assert [line.split()[:3] for line in said] == [
            ["FAIL", "cache_not_exceeding", "float8_e4m3fn:"],
            ["ok", "max_loss_change", "float8_e4m3fn/per_tensor:"],
        ]


def test_every_way_has_words_of_its_own():
    said = [ways.words(_row(way)) for way in DEPLOYED_FORMATS]
    assert len(set(said)) == len(said)
    assert not [words for words in said if ways.UNKNOWN in words]


def _row(way):
    return {"format": way.format, "granularity": way.granularity, "policy": way.policy}


@pytest.mark.parametrize("level", LEVELS[:-1], ids=[level.word for level in LEVELS[:-1]])
def test_the_note_under_the_verdicts_names_the_bounds(level):
    assert f"{100 * 10 ** (-level.least_db / 20):.0f} %" in NOTE
