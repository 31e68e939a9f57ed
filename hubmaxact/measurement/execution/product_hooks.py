"""What is multiplied with a weight where no call of a map shows it."""

from collections import defaultdict
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Protocol

import torch
from torch import Tensor
from transformers import PreTrainedModel

from hubmaxact.measurement.anatomy.map_weights import weight_named
from hubmaxact.measurement.anatomy.site import Anatomy, Point, Site
from hubmaxact.measurement.anatomy.token_layout import Routed
from hubmaxact.measurement.anatomy.weight_products import Product, follow_products
from hubmaxact.measurement.execution.watch import Watch


class RowsSink(Protocol):
    """What counts the tokens of each expert."""

    def routed_rows(self, layer: int, x: Tensor, routed: Routed) -> None:
        """Take what one layer's experts are given, a row for each token of each of them."""


def attach_products(
    hooks: ExitStack, model: PreTrainedModel, anatomy: Anatomy, sink: RowsSink, watch: Watch
) -> None:
    """Watch the products of some sites, all of a layer's in one go.

    Args:
        hooks: Takes them off again.
        model: The loaded checkpoint.
        anatomy: Its sites.
        sink: Hears of the routing.
        watch: Takes what is watched.
    """
    by_module: defaultdict[str, dict[str, Site]] = defaultdict(dict)
    for site in anatomy.sites:
        if site.point is Point.PRODUCT:
            by_module[site.module][site.maps[0]] = site
    first = {
        site.maps[0]: site.layer
        for site in (*anatomy.sites, *anatomy.same)
        if site.role == "expert_input" and site.point is Point.PRODUCT and site.layer is not None
    }
    for name, by_weight in by_module.items():
        module, gathered = model.get_submodule(name), _Gathered(by_weight, first, sink, watch)
        weights = [weight_named(model, weight) for weight in by_weight]
        follow_products(hooks, module, weights, gathered.show)
        hooks.callback(module.register_forward_hook(gathered.hand_on).remove)


class _Gathered:
    """What a layer's experts read one after the other, handed on as one when the layer is done."""

    def __init__(
        self, by_weight: Mapping[str, Site], first: Mapping[str, int], sink: RowsSink, watch: Watch
    ) -> None:
        self._by_weight, self._first = by_weight, first
        self._sink, self._watch = sink, watch
        self._pieces: defaultdict[str, list[tuple[Tensor, Routed]]] = defaultdict(list)

    def show(self, product: Product) -> None:
        """Take one product."""
        name = product.weight.name
        site = self._by_weight[name]
        if site.layout is not None:
            self._watch(site, product.x)
            return
        assert product.rows is not None, "the probe knew the rows of these experts"
        x_RD = product.x.flatten(0, -2)
        if product.rows.is_dense:
            self._told(name, x_RD, product.rows)
        else:  # the model may go on in the same memory
            self._pieces[name].append((x_RD.clone(), product.rows))

    def hand_on(self, *_: object) -> None:
        """The layer is done."""
        for name, pieces in self._pieces.items():
            x_RD = torch.cat([x for x, _ in pieces])
            token = torch.cat([rows.token for _, rows in pieces])
            expert = torch.cat([rows.expert for _, rows in pieces])
            self._told(name, x_RD, Routed(token, expert))
        self._pieces.clear()

    def _told(self, name: str, x_RD: Tensor, rows: Routed) -> None:
        if name in self._first:
            self._sink.routed_rows(self._first[name], x_RD, rows)
        self._watch(self._by_weight[name], x_RD, rows)
