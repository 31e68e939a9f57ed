"""What is multiplied with a weight where no call of a map shows it."""

from collections import defaultdict
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Protocol

from torch import Tensor
from transformers import PreTrainedModel

from hubmaxact.measurement.anatomy.map_weights import weight_named
from hubmaxact.measurement.anatomy.site import Anatomy, Point, Site
from hubmaxact.measurement.anatomy.token_layout import Routed
from hubmaxact.measurement.anatomy.weight_products import Product, ShowProduct, follow_products
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
    for module, by_weight in by_module.items():
        weights = [weight_named(model, name) for name in by_weight]
        show = _shown(by_weight, first, sink, watch)
        follow_products(hooks, model.get_submodule(module), weights, show)


def _shown(
    by_weight: Mapping[str, Site], first: Mapping[str, int], sink: RowsSink, watch: Watch
) -> ShowProduct:
    def show(product: Product) -> None:
        name = product.weight.name
        site = by_weight[name]
        if site.layout is not None:
            watch(site, product.x)
            return
        assert product.rows is not None, "the probe knew the rows of these experts"
        x_RD = product.x.flatten(0, -2)
        if name in first:
            sink.routed_rows(first[name], x_RD, product.rows)
        watch(site, x_RD, product.rows)

    return show
