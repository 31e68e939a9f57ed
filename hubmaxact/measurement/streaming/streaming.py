"""A loaded model whose layers can be run one after another, with all that this takes."""

from typing import NamedTuple, Self

from hubmaxact.measurement.anatomy.decoder_stack import Stack
from hubmaxact.measurement.anatomy.site import Anatomy
from hubmaxact.measurement.streaming.layer_weights import LayerWeights
from hubmaxact.measurement.streaming.trial import Trial, try_out


class Streaming(NamedTuple):
    """What measuring layer by layer needs beside the model."""

    stack: Stack
    weights: LayerWeights
    trial: Trial

    @classmethod
    def of(cls, weights: LayerWeights, anatomy: Anatomy) -> Self:
        """Run a few tokens both ways.

        Args:
            weights: Of a loaded model's layers.
            anatomy: Its sites.

        Returns:
            What gave the same bits.

        Raises:
            OptionsError: The model cannot be streamed; the sentence says why.
        """
        return cls(weights.stack, weights, try_out(weights.stack, anatomy, weights))
