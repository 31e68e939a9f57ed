"""The sink of a measuring run: rows that are padding are left out, the rest is folded in.

B sequences, L tokens padded, T rows kept, D channels. Knows sites, batches and statistics; knows
nothing of files, reports or progress.
"""

import torch
from torch import Tensor

from hubmaxact.measurement.anatomy.site import Site
from hubmaxact.measurement.anatomy.token_layout import Routed, rows_by_token
from hubmaxact.measurement.execution.inputs import Input
from hubmaxact.measurement.statistics.sample_maxima import SampleMaxima
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics
from hubmaxact.measurement.statistics.tokens import Tokens, finite_magnitudes
from hubmaxact.report.roles import ROLE_BY_NAME

WITHOUT_FLOAT64 = ("mps",)  # statistics of tensors there are made on the CPU


class Recorder:
    """Folds every watched tensor into its site's statistics."""

    def __init__(self, num_samples: int) -> None:
        self.sites: dict[Site, SiteStatistics] = {}
        self.samples = SampleMaxima(num_samples)
        self.routed: dict[int, Tensor] = {}  # layer -> tokens per expert
        self.expert_maxima: dict[Site, Tensor] = {}  # largest |x| of each expert, -1 for none
        self.num_experts: dict[int, int] = {}
        self.input: Input | None = None

    def tensor(self, site: Site, x: Tensor, routed: Routed | None) -> None:
        """Fold in one tensor; `routed` tells what each row inside experts belongs to."""
        assert self.input is not None
        if x.device.type in WITHOUT_FLOAT64:
            x, routed = (
                x.cpu(),
                None if routed is None else Routed(*(each.cpu() for each in routed)),
            )
        if routed is None:
            x_TD, tokens = _by_token(site, x, self.input)
        else:
            x_TD, routed = _real_rows(x, routed, self.input)
            tokens = self.input.tokens.to(x.device).take(routed.token)
        if site not in self.sites:
            self.sites[site] = SiteStatistics(x_TD.dtype, x_TD.device)
        if x_TD.numel() == 0:
            return
        abs_TD, row_max_T = finite_magnitudes(x_TD)
        self.sites[site].update(x_TD, abs_TD, row_max_T, tokens, self.input.batch.split)
        if ROLE_BY_NAME[site.role].in_global_max:
            self.samples.update(row_max_T, tokens)
        if routed is not None:
            self._expert_maxima(site, row_max_T, routed)

    def _expert_maxima(self, site: Site, row_max_T: Tensor, routed: Routed) -> None:
        """Fold the rows' maxima into those of their experts (-1 where nothing was finite)."""
        assert site.layer is not None
        num_experts = self.num_experts[site.layer]
        if site not in self.expert_maxima:
            self.expert_maxima[site] = torch.full((num_experts,), -1.0, device=row_max_T.device)
        real = routed.expert < num_experts  # ZAYA's routers may also choose no expert at all
        chosen, largest = routed.expert[real].long(), row_max_T[real].float()
        self.expert_maxima[site].scatter_reduce_(0, chosen, largest, "amax")

    def routing(self, layer: int, top_k_index: Tensor) -> None:
        """Count the real tokens each expert of a layer receives."""
        assert self.input is not None
        if self.input.rows is not None:
            top_k_index = top_k_index[self.input.rows.to(top_k_index.device)]
        num_experts = self.num_experts[layer]
        chosen = top_k_index.flatten()
        counts = torch.bincount(chosen[chosen < num_experts], minlength=num_experts).cpu()
        self.routed[layer] = self.routed.get(layer, torch.zeros_like(counts)) + counts


def _by_token(site: Site, x: Tensor, batch: Input) -> tuple[Tensor, Tokens]:
    """The rows that belong to real tokens, and those tokens, on the tensor's device."""
    assert site.layout is not None
    x_TD = rows_by_token(x, site.layout, *batch.ids_BL.shape)
    if batch.rows is None:
        return x_TD, batch.tokens.to(x.device)
    return x_TD[batch.rows.to(x.device)], batch.tokens.take(batch.rows).to(x.device)


def _real_rows(x: Tensor, routed: Routed, batch: Input) -> tuple[Tensor, Routed]:
    """The rows inside experts that belong to real tokens."""
    if batch.kept is None:
        return x, routed
    real = batch.kept.to(x.device)[routed.token]
    return x[real], routed.take(real)
