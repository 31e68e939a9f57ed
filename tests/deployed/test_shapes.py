"""What is found by shapes alone, for a forecast, is what is found with values."""

import pytest
import torch

from deployed import families, odd_families
from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.measurement.forecast.shapes_mode import Shapes
from hubmaxact.report.roles import DEPLOYMENT, PAPER_ROLES

PAPER = {role.name for role in PAPER_ROLES}


@pytest.mark.by_day("gemma2", "deepseek_v3", "mamba")
@pytest.mark.parametrize(
    "name", ["gemma2", "falcon", "deepseek_v3", "granite", "mamba", "llama4_text"]
)
def test_shapes_alone_tell_the_same_sites(name):
    made = odd_families if name in odd_families.CONFIGS else families
    with Shapes().alone(), torch.device("cpu"):
        shapes = find_sites(made.build(name, torch.float32), has_values=False, profile=DEPLOYMENT)
    whole = find_sites(made.build(name, torch.float32), profile=DEPLOYMENT)
    assert shapes.sites == whole.sites
    assert shapes.same == whole.same
    assert shapes.absent == whole.absent
    assert any(site.role not in PAPER for site in shapes.sites)
