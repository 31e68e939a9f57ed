"""Every picture that a section names is written with it, and none that it does not name."""

import re

import example_reports
import pytest
from pooled_reports import pooled_report

from hubmaxact.publication import folder, plan
from hubmaxact.rendering import section
from hubmaxact.rendering.picture.pictures import PICTURES

NAMED = re.compile(r"\]\((activation_maxima/[a-z]+\.svg)\)")


@pytest.mark.parametrize("make", [pooled_report, example_reports.dense_report])
def test_pictures_and_the_section_that_names_them_go_together(make, tmp_path):
    report, digest = make(), "0" * 64
    placed = folder.plan(report, tmp_path / "README.md", digest)
    drawn = [str(change.path.relative_to(tmp_path)) for change in placed.changes[:-1]]
    assert drawn == NAMED.findall(section.compose(report, digest))
    folder.write(placed)
    assert all((tmp_path / path).read_bytes().startswith(b"<svg") for path in drawn)
    assert folder.plan(report, tmp_path / "README.md", digest).changes == ()


def test_a_pull_request_of_ours_may_hold_any_of_them():
    assert {picture.path for picture in PICTURES} <= plan.PATHS
