"""What is multiplied with a weight where no call of a map shows it."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack

from torch import Tensor
from transformers import PreTrainedModel

from hubmaxact.measurement.anatomy.map_weights import weight_named
from hubmaxact.measurement.anatomy.site import Point, Site
from hubmaxact.measurement.anatomy.token_layout import Routed
from hubmaxact.measurement.anatomy.weight_products import (
    Product,
    ShowProduct,
    follow_products,
)
from hubmaxact.measurement.execution.watch import Watch


def attach_products(
    hooks: ExitStack, model: PreTrainedModel, sites: Sequence[Site], watch: Watch
) -> None:
    """Watch the products of some sites, all of a layer's in one go.

    Args:
        hooks: Takes them off again.
        model: The loaded checkpoint.
        sites: All of an anatomy.
        watch: Takes what is watched.
    """
    by_module: defaultdict[str, dict[str, Site]] = defaultdict(dict)
    for site in sites:
        if site.point is Point.PRODUCT:
            by_module[site.module][site.maps[0]] = site
    for module, by_weight in by_module.items():
        weights = [weight_named(model, name) for name in by_weight]
        follow_products(hooks, model.get_submodule(module), weights, _shown(by_weight, watch))


def _shown(by_weight: dict[str, Site], watch: Watch) -> ShowProduct:
    def show(product: Product) -> None:
        site = by_weight[product.weight.name]
        if site.layout is not None:
            watch(site, product.x)
            return
        assert product.rows is not None, "the probe knew the rows of these experts"
        watch(site, *_rows(product.x.flatten(0, -2), product.rows, dense=product.dense))

    return show


def _rows(x_RD: Tensor, rows: Routed, *, dense: bool) -> tuple[Tensor, Routed]:
    """Rows of experts. Where each runs over every token, the others' rows were made zero."""
    if not dense:
        return x_RD, rows
    chosen = x_RD.any(dim=1).nonzero().flatten()
    return x_RD[chosen], rows.take(chosen)
