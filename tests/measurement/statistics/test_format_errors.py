"""What formats lose at a site: equal to a direct computation, exact over tensors, at one threshold.

T rows, D channels.
"""

import math

import pytest
import torch

from hubmaxact.deployed_formats import IN_PASS, NVFP4
from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.rounding.tensors import as_bf16, rounded
from hubmaxact.measurement.statistics.format_errors import FormatErrors
from hubmaxact.measurement.statistics.rows import Rows, Tokens
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics

DTYPES = (torch.bfloat16, torch.float16, torch.float32)
AT_NVFP4 = IN_PASS.index(NVFP4)


def made(seed, dtype=torch.bfloat16):
    """Rows of very different size, with zeros, and values that are no numbers."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(30, 150, generator=generator) * 4.0 ** torch.arange(-4, 6).repeat(3)[:, None]
    x[4] = 0.0
    x[5, 7], x[6, 8], x[7, 9] = math.nan, math.inf, -math.inf
    return x.to(dtype)


def rows_of(x, split):
    number = torch.arange(len(x))
    return Rows.of(x, Tokens(number.repeat(4, 1), len(x)), split)


def seen(*parts, dtype=torch.bfloat16, **options):
    """A site of linear inputs that has seen (split, tensor) after one another."""
    site = SiteStatistics(dtype, is_linear_input=True, sums_format_errors=True, **options)
    for split, x in parts:
        site.update(rows_of(x, split))
    return site


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_they_are_what_each_value_loses_over_the_evaluation_split(dtype):
    calibration, evaluation, rest = (made(seed, dtype) for seed in range(3))
    site = seen(
        (Split.CALIBRATION, calibration),
        (Split.EVALUATION, evaluation),
        (Split.REST, rest),
        dtype=dtype,
    )
    largest = calibration[calibration.isfinite()].abs().max().item()
    x = as_bf16(evaluation)
    kept = x.isfinite()
    for way, found in zip(IN_PASS, site.result().format_errors, strict=True):
        values, clipped = rounded(x, way, largest)
        error = (x - values)[kept].tolist()
        assert found.err_sq == pytest.approx(math.fsum(e * e for e in error), rel=1e-12)
        assert found.num_clipped == clipped[kept].sum()
        assert found.num_underflowed == ((x != 0) & (values == 0))[kept].sum()
        assert found.err_sq > 0


def test_tensors_add_up_exactly_in_any_order():
    tensors = [made(seed) * 10.0 ** (seed - 4) for seed in range(9)]

    def of(*chosen):
        errors = FormatErrors()
        errors.fix(3.0)
        for x in chosen:
            errors.update(x, 3.0)
        return errors

    whole = of(*tensors)
    alone = [of(x).result() for x in tensors]
    for way, found in enumerate(whole.result()):
        assert found.err_sq == math.fsum(each[way].err_sq for each in alone)
    merged, again = of(*tensors[:3:-1]), FormatErrors()
    merged.merge(of(*tensors[:4]))
    again.load(of(*tensors[:2]).state())
    again.merge(of(*tensors[2:]))
    for other in (merged, again):
        assert other.state().keys() == whole.state().keys()
        assert all(torch.equal(other.state()[key], whole.state()[key]) for key in whole.state())
        assert other.result() == whole.result()


@pytest.mark.parametrize("calibration", [torch.zeros(2, 150), torch.full((2, 150), math.nan)])
def test_without_a_threshold_above_zero_what_needs_one_is_left_out(calibration):
    site = seen((Split.CALIBRATION, calibration.bfloat16()), (Split.EVALUATION, made(1)))
    for way, found in enumerate(site.result().format_errors):
        assert (found.err_sq == 0) == (way == AT_NVFP4)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_threshold_that_somebody_else_has_seen_is_kept(dtype):
    site = seen((Split.EVALUATION, made(1, dtype)), dtype=dtype, thresholds={"max_abs": 5.0})
    alone = FormatErrors()
    alone.update(made(1, dtype), 5.0)
    assert site.result().format_errors == alone.result()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_errors_at_another_threshold_are_not_passed_over(dtype):
    early = seen((Split.EVALUATION, made(1, dtype)), dtype=dtype)
    early.result()
    early.update(rows_of(made(0, dtype), Split.CALIBRATION))
    with pytest.raises(ValueError, match=r"errors at threshold None, expected \d+"):
        early.result()
    one = seen((Split.EVALUATION, made(1)), thresholds={"max_abs": 5.0})
    one.merge(seen((Split.EVALUATION, made(2)), thresholds={"max_abs": 6.0}))
    with pytest.raises(ValueError, match=r"errors at threshold 6\.0, expected 5\.0"):
        one.result()


def test_a_state_goes_on_at_the_threshold_of_its_calibration():
    parts = [(Split.CALIBRATION, made(0)), (Split.EVALUATION, made(1)), (Split.EVALUATION, made(2))]
    whole, resumed = seen(*parts), seen(parts[2])
    resumed.load(seen(*parts[:2]).state())
    resumed.update(rows_of(made(2), Split.EVALUATION))
    assert resumed.result().format_errors == whole.result().format_errors


def test_where_they_are_not_asked_for_nothing_is_made():
    site = SiteStatistics(torch.bfloat16, is_linear_input=True)
    for split in Split:
        site.update(rows_of(made(0), split))
    assert site.formats is None
    assert site.formats_of(Split.EVALUATION) is None
    assert not any("formats" in key for key in site.state())
    assert site.result().format_errors is None
    with pytest.raises(ValueError, match="expected a site that keeps"):
        site.merge(seen())
