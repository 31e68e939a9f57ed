"""What a hook calls with a tensor that it was attached for."""

from typing import Protocol

from torch import Tensor

from hubmaxact.measurement.anatomy.site import Site
from hubmaxact.measurement.anatomy.token_layout import Routed


class Watch(Protocol):
    """Passes one tensor on to whoever measures."""

    def __call__(self, site: Site, x: Tensor, routed: Routed | None = None) -> None:
        """Take the tensor of a site.

        Args:
            site: Which tensor it is.
            x: The tensor, as the model made it.
            routed: What each row belongs to, for a site whose rows are in groups; else None.
        """
