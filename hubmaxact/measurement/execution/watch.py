"""What hooks call with what they were attached for."""

from typing import Protocol

from torch import Tensor

from hubmaxact.measurement.anatomy.seen_attention import Attended
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


class HeadSink(Protocol):
    """What receives keys, values and what attention makes of them, head by head."""

    def cached(self, site: Site, x: Tensor) -> None:
        """Take keys or values, (sequences, heads, tokens, channels)."""

    def attended(self, site: Site, seen: Attended) -> None:
        """Take what one attention multiplies; the site is that of its queries."""

    def logits(self, site: Site, logits: Tensor, mask: Tensor | None) -> None:
        """Take products, (sequences, heads, tokens, tokens), and the mask that comes next."""
