"""The report's `environment` block: versions and device, never host, user or path."""

import platform
from typing import TYPE_CHECKING, Literal

import hubmaxact
from hubmaxact.report.cpu_threads import with_threads
from hubmaxact.report.document import Environment

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


def environment(model: "PreTrainedModel", products: Literal["native", "float32"]) -> Environment:
    """Versions, device and how products were made, never host, user or path."""
    import torch
    import transformers

    from hubmaxact.measurement.anatomy.decoder_stack import input_device

    device = input_device(model.get_input_embeddings())
    return Environment(
        hubmaxact=hubmaxact.__version__,
        torch=str(torch.__version__),  # it compares as a version, not as text
        transformers=transformers.__version__,
        python=platform.python_version(),
        device_type=device.type,
        device_name=_device_name(device),
        products=products,
    )


def _device_name(device: "torch.device") -> str:
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "cpu":
        # Instruction set and threads decide CPU bits; the processor's marketing name does not.
        kind = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
        return with_threads(kind, torch.get_num_threads())
    return str(device.type)
