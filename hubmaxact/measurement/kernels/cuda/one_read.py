"""The reader of tensors on an NVIDIA GPU: one read of each, and no wait for the device.

But once a run: thresholds of fp16 and fp32 sites follow from the whole calibration split. Errors of
formats that need tokens whole are summed by a second kernel, over the evaluation split alone.
"""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from hubmaxact.deployed_formats import MAX_ABS
from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.kernels.cuda.arguments import Arguments, address
from hubmaxact.measurement.kernels.cuda.compiler import CudaError
from hubmaxact.measurement.kernels.cuda.formats_kernel import FormatsKind
from hubmaxact.measurement.kernels.cuda.formats_on_device import largest_counted
from hubmaxact.measurement.kernels.cuda.kernel import (
    FORMATS,
    Compilation,
    Kernel,
    Kind,
    kernel_for,
    layout_of,
)
from hubmaxact.measurement.kernels.cuda.maxima_on_device import MaximaOnDevice
from hubmaxact.measurement.kernels.cuda.site_on_device import SiteOnDevice
from hubmaxact.measurement.kernels.torch_operations import TorchOperations
from hubmaxact.measurement.statistics.bf16_histogram import Bf16Histogram
from hubmaxact.measurement.statistics.expert_squares import Reached
from hubmaxact.measurement.statistics.sample_maxima import SampleMaxima
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics
from hubmaxact.measurement.statistics.watched import Watched

MOST_PER_ROW = (1 << 16) - 1
MOST_CHANNELS = 1 << 15
MOST_PER_TENSOR = 1 << 32
MOST_PLACES = 1 << 24  # stretches of samples, and positions in one


class OneRead:
    """Folds tensors of one GPU into their sites, by the kernel where it can, else by torch.

    Args:
        device: The GPU.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._index = torch.empty(0, device=device).get_device()
        self.maxima = MaximaOnDevice(self._index)
        gpu = torch.cuda.get_device_properties(self._index)
        self._beside = torch.cuda.Stream(device)
        self._num_blocks = gpu.multi_processor_count
        self._way = f"by one read of each tensor on {gpu.name}"
        self._ran = False
        self._others: dict[str, TorchOperations] = {}
        self._refused: dict[Compilation, str] = {}
        self._sites: dict[int, SiteOnDevice] = {}
        self._samples: dict[int, tuple[SampleMaxima, Tensor]] = {}

    @property
    def ways(self) -> frozenset[str]:
        """How tensors were read so far."""
        here = frozenset({self._way} if self._ran else ())
        return here.union(self.maxima.ways, *(other.ways for other in self._others.values()))

    def fold(
        self, watched: Watched, statistics: SiteStatistics, samples: SampleMaxima | None
    ) -> None:
        """Launch the kernels over one tensor."""
        if watched.x_RD.numel() == 0:
            return
        kernels = self._kernels(watched, statistics, samples)
        if isinstance(kernels, str):
            other = self._others.setdefault(kernels, TorchOperations(self.device, kernels))
            with self.settled(statistics):
                pass  # thresholds may be asked for
            other.fold(watched, statistics, samples)
            return
        kernel, of_formats = kernels
        self._ran = True
        x_RD = watched.x_RD
        statistics.expect(x_RD.dtype)
        site = self._site(statistics)
        self._describe(site, watched, statistics)
        formats = None
        if of_formats is not None:
            formats = site.formats or site.round_at(self._threshold(site, statistics))
        self._group(site.arguments, watched, statistics, samples)
        with torch.cuda.device(self._index):
            stream = torch.cuda.current_stream()
            kernel.launch(site.arguments, stream.cuda_stream)
            if of_formats is not None and formats is not None:
                formats.fold(of_formats, watched, stream.cuda_stream)
            squares = statistics.squares_of(watched.split)
            if squares is not None:
                squares.update(watched.of_tokens()[0])
            by_expert = statistics.by_expert_of(watched.split)
            if by_expert is not None:
                self.maxima.add_squares(Reached.one_each(*watched.of_tokens()), by_expert)
            site.launched(stream)

    def _kernels(
        self, watched: Watched, statistics: SiteStatistics, samples: SampleMaxima | None
    ) -> tuple[Kernel, Kernel | None] | str:
        """The kernels for a tensor, or why there are none, in words that follow "operations".

        The second one sums up errors of formats, where they are summed.
        """
        why_not = _why_not(watched, statistics, samples)
        if why_not is not None:
            return why_not
        x_RD = watched.x_RD
        rows = x_RD.dtype, x_RD.shape[1], layout_of(x_RD)
        sums_formats = statistics.formats is not None and watched.split is Split.EVALUATION
        try:
            kernel = self._kernel(Kind(*rows, is_linear_input=statistics.blocks is not None))
            return kernel, self._kernel(FormatsKind(*rows)) if sums_formats else None
        except CudaError as error:
            return str(error)

    def _kernel(self, kind: Compilation) -> Kernel:
        """The kernel of a kind; what failed once is not tried again."""
        if kind not in self._refused:
            try:
                return kernel_for(kind, self._index)
            except CudaError as error:
                told = str(error).splitlines()[0]
                self._refused[kind] = f"because the kernel failed for {kind.width:,} values: {told}"
        raise CudaError(self._refused[kind])

    def has_read(self, statistics: SiteStatistics) -> bool:
        """Whether the kernel is done with a site's tensors."""
        site = self._sites.get(id(statistics))
        return site is not None and site.has_read

    def settled(self, statistics: SiteStatistics) -> AbstractContextManager[None]:
        """Wait for the tensors of one site."""
        site = self._sites.get(id(statistics))
        return nullcontext() if site is None else site.settled(self._beside)

    def settle(self) -> None:
        """Wait for all of them."""
        for site in [site for site in self._sites.values() if not site.is_settled]:
            with site.settled(self._beside):
                pass
        for samples, on_device in self._samples.values():
            here = SampleMaxima(len(on_device))
            here.abs_max.copy_(on_device)
            samples.merge(here)

    def _site(self, statistics: SiteStatistics) -> SiteOnDevice:
        """What a site keeps here, made when it is met for the first time."""
        if id(statistics) not in self._sites:
            site = SiteOnDevice(statistics, self._num_blocks, self.device)
            self._sites[id(statistics)] = site
        return self._sites[id(statistics)]

    def _describe(self, site: SiteOnDevice, watched: Watched, statistics: SiteStatistics) -> None:
        """Where the tensor is, whose its rows are, and what they add to."""
        arguments, x_RD, columns_4P = site.arguments, watched.x_RD, watched.tokens.columns_4T
        arguments.x = x_RD.data_ptr()
        arguments.row_stride, arguments.value_stride = x_RD.stride()
        arguments.num_rows = x_RD.shape[0]
        arguments.counts = address(statistics.values[watched.split].counts)
        arguments.beyond = None if statistics.beyond is None else address(statistics.beyond.counts)
        if statistics.channels is not None and statistics.blocks is not None:
            statistics.channels.expect(x_RD.shape[1])
            arguments.channel_max = address(statistics.channels.abs_max)
            arguments.block_counts = address(statistics.blocks.counts)
        if site.wide is not None:
            needs_thresholds = watched.split is Split.EVALUATION and not statistics.int8
            with site.settled(self._beside) if needs_thresholds else nullcontext():
                site.wide.describe(arguments, watched.split, statistics)
        arguments.token, arguments.kept = address(watched.token_R), address(watched.kept_P)
        arguments.columns, arguments.num_positions = columns_4P.data_ptr(), columns_4P.shape[1]

    def _threshold(self, site: SiteOnDevice, statistics: SiteStatistics) -> Tensor | float:
        """The largest |x| of a site's calibration split, zero for none."""
        calibration = statistics.values[Split.CALIBRATION]
        if statistics.calibrates and isinstance(calibration, Bf16Histogram):
            return largest_counted(calibration.counts)
        with site.settled(self._beside) if statistics.calibrates else nullcontext():
            return statistics.thresholds().get(MAX_ABS, 0.0)

    def _group(
        self,
        arguments: Arguments,
        watched: Watched,
        statistics: SiteStatistics,
        samples: SampleMaxima | None,
    ) -> None:
        """Which maxima of groups of rows are wanted: of experts, of samples, or none."""
        group, largest = None, None
        if statistics.experts is not None:
            group, largest = watched.expert_R, statistics.experts.state()["abs_max"]
        elif samples is not None:
            group, largest = watched.tokens.stretch, self._sample_maxima(samples)
        arguments.group, arguments.group_max = address(group), address(largest)
        arguments.num_groups = 0 if largest is None else len(largest)
        arguments.group_by_row = statistics.experts is not None

    def _sample_maxima(self, samples: SampleMaxima) -> Tensor:
        """The maxima by sample, here until they are settled."""
        if id(samples) not in self._samples:
            none = torch.full((len(samples.abs_max),), -1.0, device=self.device)
            self._samples[id(samples)] = samples, none
        return self._samples[id(samples)][1]


def _why_not(
    watched: Watched, statistics: SiteStatistics, samples: SampleMaxima | None
) -> str | None:
    """What the kernel cannot read, in words that follow "by torch operations"; None: nothing."""
    x_RD = watched.x_RD
    if x_RD.dtype not in FORMATS:
        return f"because the kernel does not read {str(x_RD.dtype)[6:]}"
    if statistics.blocks is not None and x_RD.shape[1] > MOST_CHANNELS:
        return "because the kernel tells up to 32,768 channels apart"
    if x_RD.shape[1] > MOST_PER_ROW or x_RD.numel() >= MOST_PER_TENSOR:
        return "because the kernel reads fewer than 65,536 values a row and 2^32 a tensor"
    if watched.tokens.columns_4T.shape[1] >= MOST_PLACES:
        return "because the kernel reads fewer than 2^24 tokens at a time"
    if samples is not None and watched.expert_R is not None:
        return "because the kernel keeps the maxima of experts or of samples"
    return None
