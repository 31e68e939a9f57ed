"""A loaded model whose layers can be run one after another, with all that this takes."""

from typing import NamedTuple

from hubmaxact.measurement.anatomy.decoder_stack import Stack
from hubmaxact.measurement.streaming.layer_weights import LayerWeights
from hubmaxact.measurement.streaming.trial import Trial


class Streaming(NamedTuple):
    """What measuring layer by layer needs beside the model."""

    stack: Stack
    weights: LayerWeights
    trial: Trial
