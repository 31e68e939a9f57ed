"""What a machine lacks, where that is why anything at all failed."""

from hubmaxact.files import FULL
from hubmaxact.measurement.failures.memory import ran_out
from hubmaxact.printable import printable

LONGEST_REASON = 300  # characters
NO_MEMORY = "memory ran out. Free some, or use a machine that has more."


def lacking(error: Exception) -> str | None:
    """Describe an error that is the machine's.

    Args:
        error: Whatever was raised.

    Returns:
        One sentence. None: it is a bug.
    """
    if ran_out(error):
        return NO_MEMORY
    if isinstance(error, OSError) and error.errno in FULL:
        where = error.filename or "standard output"
        return f"cannot write {where}: {error.strerror}. Free some space."
    if isinstance(error, ImportError) and not str(error.name).startswith("hubmaxact"):
        reason = printable(" ".join(str(error).split()), LONGEST_REASON).rstrip(".")
        return (
            f"a library that it needs cannot be loaded: {reason}. Install them anew: "
            "pip install --force-reinstall hubmaxact."
        )
    return None
