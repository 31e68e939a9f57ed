"""What static scales are of, and the writers and other words that tell conventions apart."""

INPUT, KEY, VALUE, QUERY = "input", "key", "value", "query"

COMPRESSED_TENSORS = "compressed-tensors"
MODELOPT = "modelopt"
TRANSFORMERS = "transformers"
ONNXRUNTIME = "onnxruntime-genai"
"""Whose conventions are written."""

FP8_CACHE, INT8_CACHE = "FP8", "INT8"
"""How a configuration, or Model-Optimizer for it, calls the scheme of a cache."""

ANY: frozenset[str] = frozenset()
"""Of a row of a table: asks nothing."""
