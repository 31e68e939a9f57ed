"""What a measurement takes long to load, loaded: a process that imports this forks ready children.

With one thread for products and statistics alike, so that there is none that a child would lack.
"""

import importlib

import torch

from hubmaxact.measurement.kernels.choice import reader_of

MODULES = (
    "hubmaxact.catalog.build",
    "hubmaxact.cli.card",
    "hubmaxact.cli.catalog",
    "hubmaxact.cli.catalog_progress",
    "hubmaxact.cli.export",
    "hubmaxact.cli.measure",
    "hubmaxact.cli.measure_progress",
    "hubmaxact.measurement.assembly.report",
    "hubmaxact.measurement.execution.forward",
    "pyarrow.parquet",
    "transformers.models.qwen3.modeling_qwen3",
)

for name in MODULES:
    importlib.import_module(name)
torch.set_num_threads(1)
reader_of(torch.device("cpu"), format_errors=True)
