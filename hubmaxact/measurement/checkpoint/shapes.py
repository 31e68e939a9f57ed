"""A checkpoint's model as shapes alone: its structure and number formats, and not one weight."""

from typing import Any

import torch

from hubmaxact.errors import HubmaxactError
from hubmaxact.measurement.checkpoint.asked_size import build, refuse_oversized
from hubmaxact.measurement.checkpoint.load import (
    DTYPES,
    Loaded,
    device_of,
    dtype_of,
    silence_transformers,
)
from hubmaxact.measurement.checkpoint.not_built import not_built
from hubmaxact.measurement.checkpoint.own_code import model_class
from hubmaxact.measurement.checkpoint.tokenizer import load_tokenizer
from hubmaxact.measurement.checkpoint.transformers_log import transformers_log
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles


def load_shapes(
    files: WeightFiles,
    *,
    dtype: str = "auto",
    device: str = "auto",
    attn_implementation: str | None = None,
) -> Loaded:
    """Build the model as it would be loaded, under torch's FakeTensorMode, and load its tokenizer.

    Whether the files hold every weight is only seen when they are loaded; the few weights that an
    architecture keeps in float32 whatever is asked are taken for ones in `dtype`.

    Args:
        files: What `inspect` or `describe_checkpoint` found sound.
        dtype: As `load`.
        device: As `load`; where the shapes say that they are.
        attn_implementation: As `load`.

    Returns:
        A model that runs within the mode alone, and a real tokenizer.

    Raises:
        UnsafeCheckpointError: The architecture or quantization is not one transformers loads
            without custom code.
        IncompleteWeightsError: The configuration asks for far more than the files hold.
        DeviceError: There is no such device here.
    """
    silence_transformers()
    name = dtype_of(files, dtype)
    chosen = model_class(files.folder, files.config)
    options: dict[str, Any] = {"dtype": DTYPES[name], "attn_implementation": attn_implementation}
    with transformers_log():
        try:
            refuse_oversized(files, chosen, attn_implementation)
            with torch.device(device_of(device)):
                model = build(files, chosen, options).eval()
            model.tie_weights()
        except HubmaxactError:
            raise
        except Exception as error:  # a damaged configuration shows as whatever it breaks first
            raise not_built(files, error) from error
    return Loaded(model, load_tokenizer(files), name)
