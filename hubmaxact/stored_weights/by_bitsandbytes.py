"""What bitsandbytes declares."""

from hubmaxact.stored_weights.entries import Said, one_of, said_briefly
from hubmaxact.stored_weights.group import Group
from hubmaxact.stored_weights.storage import RoundedInput, Scheme
from hubmaxact.stored_weights.table import BITSANDBYTES_4BIT, BITSANDBYTES_8BIT
from hubmaxact.stored_weights.unknown import UnknownStorageError


def bitsandbytes(said: Said) -> list[Group]:
    """Read `bitsandbytes`.

    Args:
        said: What the configuration says.

    Returns:
        One group, of 4 bits or of 8.

    Raises:
        UnknownStorageError: Neither, both, or codes that are stored as another dtype.
    """
    asked = [key for key in ("load_in_4bit", "load_in_8bit") if said.get(key)]
    if len(asked) != 1:
        found = "both 4 and 8 bits" if asked else "neither 4 nor 8 bits"
        raise UnknownStorageError(f"bitsandbytes with {found}")
    if asked == ["load_in_8bit"]:
        # Its kernel leaves columns with large values as they are, by a threshold.
        inputs = RoundedInput(format="llm_int8", granularity="per_token")
        return [Group(Scheme(storage=BITSANDBYTES_8BIT, bits=8, inputs=inputs))]
    one_of(said.get("bnb_4bit_quant_type", "nf4"), ("nf4", "fp4"), "bitsandbytes of type {}")
    stored = said.get("bnb_4bit_quant_storage") or "uint8"
    if stored != "uint8":
        raise UnknownStorageError(f"bitsandbytes with codes stored as {said_briefly(stored)}")
    return [Group(Scheme(storage=BITSANDBYTES_4BIT, bits=4))]
