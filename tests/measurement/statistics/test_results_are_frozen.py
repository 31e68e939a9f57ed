"""Nobody who asks for a result can change it."""

import importlib
import inspect
import pkgutil
from dataclasses import FrozenInstanceError, fields, is_dataclass

import pytest

from hubmaxact.measurement import statistics

MODULES = [
    importlib.import_module(module.name)
    for module in pkgutil.iter_modules(statistics.__path__, f"{statistics.__name__}.")
]
RESULTS = [
    kind
    for module in MODULES
    for _, kind in inspect.getmembers(module, inspect.isclass)
    if is_dataclass(kind) and kind.__module__ == module.__name__
]


@pytest.mark.parametrize("kind", RESULTS)
def test_a_field_cannot_be_set(kind):
    result = object.__new__(kind)
    with pytest.raises(FrozenInstanceError):
        setattr(result, fields(kind)[0].name, None)
