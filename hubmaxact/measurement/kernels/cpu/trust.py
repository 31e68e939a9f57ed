"""Whether the compiled loops work here: they must equal torch's operations before they are used.

This is also what compiles them, or loads what numba kept: 9 s once on a machine, then half of one;
those of formats take 4 s, once, where they are wanted.
"""

from functools import cache
from threading import Event, Thread

import torch

from hubmaxact.measurement.failures.memory import ran_out
from hubmaxact.measurement.failures.own_error import reason
from hubmaxact.measurement.kernels.reader import Reader
from hubmaxact.measurement.kernels.trial import equals_torch

# A bf16 model may well have float32 routers; beside one kind of loops the other costs 0.03 s.
DTYPES = (torch.bfloat16, torch.float32)


def trusted(*, format_errors: bool = False) -> tuple[Reader | None, str]:
    """The reader by compiled loops, or why it is not used.

    Args:
        format_errors: Whether it is to sum up what formats lose.

    Returns:
        The reader, or None and a reason that follows "because".
    """
    why_not = _why_not() or (_why_not(format_errors=True) if format_errors else "")
    if why_not:
        return None, why_not
    from hubmaxact.measurement.kernels.cpu.reader import CpuReader

    return CpuReader(), ""


@cache
def _why_not(*, format_errors: bool = False) -> str:
    """Asked once in a process, so that all of a run is read in one way."""
    try:
        import numba  # noqa: F401 not for every platform, nor beside every NumPy

        from hubmaxact.measurement.kernels.cpu.reader import CpuReader

        alike = all(
            equals_torch(CpuReader(), dtype, format_errors=format_errors) for dtype in DTYPES
        )
        _start_threads(torch.get_num_threads())  # torch's own have been started now
    except Exception as error:  # noqa: BLE001 numba and LLVM raise whatever breaks first
        return _told(error)
    return "" if alike else "the compiled loops' numbers differ here; please report this processor"


def _start_threads(number: int) -> None:
    """Start as many as will run beside the calling one: all but one that read, and the inputs'.

    The system keeps their stacks for the next ones, so no batch has to find room for them.
    """
    end = Event()
    threads = [Thread(target=end.wait) for _ in range(number)]
    try:
        for thread in threads:
            thread.start()
    finally:
        end.set()
        for thread in threads:
            if thread.ident is not None:
                thread.join()


def _told(error: Exception) -> str:
    if ran_out(error):
        return f"memory ran out while numba prepared its loops: {reason(error)}"
    if isinstance(error, ImportError):
        return f"numba cannot be imported: {reason(error)}"
    return f"numba's loops failed here: {type(error).__name__}: {reason(error)}"
