"""A site whole: each split feeds what it must, and the INT-8 check meets its threshold."""

import math

import pytest
import torch

from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.statistics.massive_tokens import MassiveTokens
from hubmaxact.measurement.statistics.rows import Rows, Tokens
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics

DTYPES = [torch.bfloat16, torch.float16, torch.float32]
EVERY_DTYPE = pytest.mark.parametrize("dtype", DTYPES, ids=str)


def rows_of(values, split, dtype, experts=None):
    """Each value is a token of its own, in one sample."""
    number = torch.arange(len(values))
    columns = torch.stack([torch.zeros_like(number), number, number, number])
    x_TD = torch.tensor(values, dtype=dtype)[:, None]
    chosen = None if experts is None else torch.tensor(experts)
    return Rows.of(x_TD, Tokens(columns, len(values)), split, chosen)


def seen(dtype, *, calibration=(), evaluation=(), rest=(), **options):
    site = SiteStatistics(dtype, **options)
    for split, values in (
        (Split.CALIBRATION, calibration),
        (Split.EVALUATION, evaluation),
        (Split.REST, rest),
    ):
        if values:
            site.update(rows_of(values, split, dtype))
    return site


@EVERY_DTYPE
def test_a_threshold_is_of_calibration_and_an_error_of_evaluation(dtype):
    site = seen(dtype, calibration=[-127.0, 3.0], evaluation=[1.5, 200.0], rest=[900.0])
    assert site.thresholds() == {"max_abs": 127.0, "clip_q0.999": 127.0}
    for policy in site.thresholds():
        found = site.int8_error(policy)
        assert (found.threshold, found.count, found.num_clipped) == (127.0, 2, 1)
        assert (found.sum_sq, found.err_sq) == (40002.25, 0.25 + 73.0**2)
    assert site.result().values.count == 5
    assert site.result().values.max == 900.0


@EVERY_DTYPE
@pytest.mark.parametrize("calibration", [[], [0.0, -0.0], [math.nan]])
def test_a_calibration_without_a_value_beside_zero_gives_no_threshold(dtype, calibration):
    site = seen(dtype, calibration=calibration, evaluation=[1.0])
    assert site.thresholds() == {}
    assert site.int8_error("max_abs") is None


@EVERY_DTYPE
def test_an_evaluation_without_a_value_has_an_error_over_none(dtype):
    found = seen(dtype, calibration=[2.0], rest=[1.0]).int8_error("max_abs")
    assert (found.threshold, found.count, found.clip_rate, found.sqnr_db) == (2.0, 0, None, None)


@EVERY_DTYPE
def test_a_threshold_that_somebody_else_has_seen_is_kept(dtype):
    site = seen(dtype, calibration=[5.0], evaluation=[1.0], thresholds={"max_abs": 254.0})
    assert site.thresholds() == {"max_abs": 254.0}
    found = site.int8_error("max_abs")
    assert (found.threshold, found.err_sq) == (254.0, 1.0)
    assert site.int8_error("clip_q0.999") is None


def test_errors_at_a_threshold_that_moved_afterwards_are_not_told():
    site = seen(torch.float32, calibration=[2.0], evaluation=[1.0])
    site.update(rows_of([4.0], Split.CALIBRATION, torch.float32))
    with pytest.raises(ValueError, match=r"errors at threshold 2\.0, expected 4\.0"):
        site.int8_error("max_abs")


def test_only_wide_values_of_evaluation_leave_errors_in_the_state():
    def policies(site):
        return {name.split("/")[0] for name in site.state()} - {*map(str, Split)}

    always = {"dtype", "top", "massive"}
    everything = {"calibration": [2.0], "evaluation": [1.0], "rest": [1.0]}
    assert policies(seen(torch.bfloat16, **everything)) == always
    assert policies(seen(torch.float32, calibration=[2.0], rest=[1.0])) == always
    assert policies(seen(torch.float32, **everything)) == always | {"max_abs", "clip_q0.999"}


def test_a_state_tells_the_dtype():
    told = [seen(dtype).state()["dtype"] for dtype in DTYPES]
    assert [(tensor.dtype, tensor.numel()) for tensor in told] == [(dtype, 0) for dtype in DTYPES]


@EVERY_DTYPE
def test_a_loaded_state_forgets_and_goes_on(dtype):
    thresholds = {"max_abs": 127.0}
    first = seen(dtype, evaluation=[0.5], thresholds=thresholds)
    resumed = seen(dtype, evaluation=[0.25, 0.25], thresholds=thresholds)
    resumed.load(first.state())
    resumed.update(rows_of([1.5], Split.EVALUATION, dtype))
    found = resumed.int8_error("max_abs")
    assert (found.count, found.err_sq, found.sum_sq) == (2, 0.5, 2.5)
    resumed.load(seen(dtype, thresholds=thresholds).state())
    assert resumed.int8_error("max_abs").count == 0


@EVERY_DTYPE
def test_sites_merge_split_by_split(dtype):
    one = seen(dtype, calibration=[127.0], evaluation=[0.5])
    other = seen(dtype, evaluation=[2.5, 300.0], rest=[7.0], thresholds=one.thresholds())
    one.merge(other)
    found = one.int8_error("max_abs")
    assert (found.count, found.num_clipped, found.abs_err) == (3, 1, 0.5 + 0.5 + 173.0)
    assert one.result().values.count == 5
    assert [value.value for value in one.result().top] == [300.0, 127.0]  # of tokens 1 and 0
    assert one.result().massive == MassiveTokens(0, 1.0)  # of one channel


@pytest.mark.parametrize("other", [torch.bfloat16, torch.float16])
def test_a_tensor_of_another_dtype_is_refused_before_it_leaves_a_trace(other):
    site = SiteStatistics(torch.float32, num_experts=1)
    with pytest.raises(ValueError, match=r"expected torch\.float32"):
        site.update(rows_of([5.0], Split.REST, other, [0]))
    found = site.result()
    assert (found.values.count, found.top, found.expert_maxima) == (0, (), (-1.0,))
    assert found.massive == MassiveTokens(0, None)


def test_sites_of_other_dtypes_do_not_merge():
    with pytest.raises(ValueError, match=r"expected torch\.float16, got torch\.float32"):
        SiteStatistics(torch.float16).merge(SiteStatistics(torch.float32))


def test_sites_inside_experts_tell_what_each_showed():
    one, other = (SiteStatistics(torch.float32, num_experts=3) for _ in range(2))
    one.update(rows_of([1.0, -2.0], Split.REST, torch.float32, [0, 2]))
    other.update(rows_of([-4.0], Split.REST, torch.float32, [0]))
    one.merge(other)
    assert one.result().expert_maxima == (4.0, -1.0, 2.0)
    assert SiteStatistics(torch.float32).result().expert_maxima is None


def test_a_merge_that_is_refused_leaves_no_trace():
    one = seen(torch.float32, calibration=[100.0], evaluation=[1.0])
    other = seen(torch.float32, calibration=[50.0], evaluation=[2.0])
    inside = SiteStatistics(torch.float32, num_experts=2)
    before = {name: tensor.clone() for name, tensor in one.state().items()}
    with pytest.raises(ValueError, match=r"expected threshold 100\.0, got 50\.0"):
        one.merge(other)
    with pytest.raises(ValueError, match="expected a site that keeps"):
        one.merge(inside)
    with pytest.raises(ValueError, match="expected a site that keeps"):
        inside.merge(one)
    after = one.state()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_errors_whose_threshold_nobody_gives_are_not_passed_over():
    shard = seen(torch.float32, evaluation=[1.0, 3.0], thresholds={"max_abs": 4.0})
    alone = SiteStatistics(torch.float32)
    alone.load(shard.state())
    with pytest.raises(ValueError, match=r"errors at threshold 4\.0, expected None"):
        alone.int8_error("max_abs")
