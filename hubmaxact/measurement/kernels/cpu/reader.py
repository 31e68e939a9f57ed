"""The fast way on a CPU: each tensor read once, by as many threads as the forward pass has."""

from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch

from hubmaxact.deployed_formats import IN_PASS
from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.kernels.cpu.format_worker import give
from hubmaxact.measurement.kernels.cpu.head_maxima import CpuMaxima
from hubmaxact.measurement.kernels.cpu.strided import Strided
from hubmaxact.measurement.kernels.cpu.top_rows import count_beyond, find_top, raise_maxima
from hubmaxact.measurement.kernels.cpu.workers import Bf16Worker, Fp32Worker, Int32s, Worker
from hubmaxact.measurement.loops.next_piece import none_taken
from hubmaxact.measurement.loops.shared_work import Left, together
from hubmaxact.measurement.statistics.expert_squares import Reached
from hubmaxact.measurement.statistics.rows_beyond import LIMITS
from hubmaxact.measurement.statistics.sample_maxima import SampleMaxima
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics
from hubmaxact.measurement.statistics.top_values import NUM_TOP, TopValues, value_at
from hubmaxact.measurement.statistics.watched import Watched

WAY = "in one read of each tensor on the CPU"


class CpuReader:
    """Reads rows of bf16, float16 and float32."""

    def __init__(self) -> None:
        self.device = torch.device("cpu")
        self.maxima = CpuMaxima()
        self.ways: frozenset[str] = frozenset()
        self._workers: dict[torch.dtype, list[Worker]] = {}

    def fold(
        self, watched: Watched, statistics: SiteStatistics, samples: SampleMaxima | None
    ) -> None:
        """Fold in one tensor."""
        self.ways = frozenset({WAY})
        if watched.x_RD.numel() == 0:
            return
        statistics.expect(watched.x_RD.dtype)
        x = Strided.of(watched)
        if len(x.rows) == 0:
            return
        row_max = self._read(x, watched, statistics)
        _fold_top(x, row_max, statistics.top)
        if statistics.beyond is not None:
            count_beyond(row_max, LIMITS.numpy(), statistics.beyond.counts.numpy())
        if statistics.experts is not None and x.experts is not None:
            raise_maxima(statistics.experts.abs_max.numpy(), x.experts, row_max)
        by_expert = statistics.by_expert_of(watched.split)
        if by_expert is not None:
            self.maxima.add_squares(Reached.one_each(*watched.of_tokens()), by_expert)
        if samples is not None:
            sample, largest = x.columns[0, x.places], samples.abs_max.numpy()
            _ = largest[sample.max()]  # compiled loops do not notice a sample that is not there
            raise_maxima(largest, sample, row_max)

    def has_read(self, statistics: SiteStatistics) -> bool:  # noqa: ARG002 as every reader's
        """Nothing is read ahead."""
        return False

    def settled(self, statistics: SiteStatistics) -> AbstractContextManager[None]:  # noqa: ARG002 as every reader's
        """Nothing is kept back."""
        return nullcontext()

    def settle(self) -> None:
        """Nothing is kept back."""

    def _read(self, x: Strided, watched: Watched, statistics: SiteStatistics) -> Int32s:
        """Everything but the largest values and maxima; returns the largest |x| of each row."""
        row_max, pieces, taken = np.empty(len(x.rows), np.int32), x.pieces(), none_taken()
        workers = self._workers_for(statistics.dtype)[: len(pieces)]
        formats = statistics.formats_of(watched.split)
        lost = np.empty((0 if formats is None else len(x.rows), len(IN_PASS)))
        for worker in workers:
            worker.begin(x, statistics, watched.split)
            if formats is not None:
                worker.formats.begin(x.width, formats.threshold)
        again = Left(pieces if watched.split is Split.EVALUATION else [])

        def read(worker: Worker) -> None:
            worker.read(x, taken, row_max)
            for piece in again:
                worker.add_errors(x, piece)
                if formats is not None:
                    worker.formats.read(x, piece, lost)

        together(workers, read)
        for worker in workers:
            worker.give(statistics, watched.split)
        if formats is not None:
            give([worker.formats for worker in workers], lost, formats)
        return row_max

    def _workers_for(self, dtype: torch.dtype) -> list[Worker]:
        """As many as the forward pass has threads, made when the dtype is first met."""
        if dtype not in self._workers:
            kind = Bf16Worker if dtype == torch.bfloat16 else Fp32Worker
            self._workers[dtype] = [kind() for _ in range(torch.get_num_threads())]
        return self._workers[dtype]


def _fold_top(x: Strided, row_max: Int32s, top: TopValues) -> None:
    """Fold in the largest values; most tensors have none that matter."""
    found = np.empty((NUM_TOP, 6), np.int64)
    group_max = np.empty(x.num_groups, np.int32)
    number = find_top(
        x.values,
        16 if x.values.itemsize == 2 else 0,
        x.stride,
        x.width,
        x.rows,
        x.places,
        x.columns,
        row_max,
        group_max,
        _floor(top),
        found,
    )
    if number == 0:
        return
    bits = found[:number, 4].astype(np.int32)
    top.offer(
        value_at(value + 0.0, sample, position, channel, token)
        for (_, sample, position, channel, _, token), value in zip(
            found[:number].tolist(), bits.view(np.float32).tolist(), strict=True
        )
    )


def _floor(top: TopValues) -> int:
    """Bits of a magnitude that any value must reach to be among the largest."""
    if len(top.best) < NUM_TOP:
        return 0
    return int(np.float32(-top.best[-1].neg_abs).view(np.int32))
