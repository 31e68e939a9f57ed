"""The table of formulas, by the names that `stored_weights` gives them."""

from collections.abc import Callable, Mapping

from torch import Tensor

from hubmaxact.measurement.dequantization import by_scale, by_table, by_words
from hubmaxact.measurement.dequantization.stored_parts import StoredParts

FORMULAS: Mapping[str, Callable[[StoredParts], Tensor]] = {
    "scaled": by_scale.scaled,
    "packed_int": by_words.packed_int,
    "nvfp4": by_scale.nvfp4,
    "mxfp4": by_scale.mxfp4,
    "mxfp4_experts": by_scale.mxfp4_experts,
    "gptq": by_words.gptq,
    "awq": by_words.awq,
    "bitsandbytes_4bit": by_table.four_bits,
    "bitsandbytes_8bit": by_table.eight_bits,
}
"""From the tensors of a weight, checked against each other, to the weight."""
