"""What a model makes of its decoder's output: its head, softcaps and scales, by its own forward.

The model runs whole, but for its decoder: in that one's place stands what it put out before, for
chosen tokens alone. So logits of a large vocabulary never lie in memory for a whole batch, and no
family needs to be known.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from hubmaxact.errors import ForwardPassError, IncompleteWeightsError, UnknownAnatomyError
from hubmaxact.measurement.anatomy.decoder_stack import input_device
from hubmaxact.measurement.anatomy.site import Anatomy
from hubmaxact.measurement.failures.own_error import own_errors_told
from hubmaxact.printable import printable

INSTEAD = "Measure it without --end-to-end."


class Head:
    """The rest of a model behind its decoder.

    Args:
        model: The loaded checkpoint.
        anatomy: Names the decoder.
    """

    def __init__(self, model: PreTrainedModel, anatomy: Anatomy) -> None:
        self._model, self._owner = model, model.get_submodule(anatomy.owner)

    def logits(self, form: Any, hidden_TD: Tensor, ids_T: Tensor) -> Tensor:
        """Run it on some tokens.

        Args:
            form: An output of the decoder, whatever is in it.
            hidden_TD: What it puts out for some tokens.
            ids_T: Their ids.

        Returns:
            (tokens, vocabulary), in the model's own number format.

        Raises:
            ForwardPassError: The model raised, or put out no logits for these tokens.
        """
        part = like(form, hidden_TD[None])
        with _standing_in(self._owner, part), own_errors_told(self._model):
            made = self._model(input_ids=ids_T[None], use_cache=False)
        logits: Tensor = getattr(made, "logits", made[0])
        if logits.dim() != 3 or logits.shape[:2] != (1, len(ids_T)):
            raise ForwardPassError(
                f"{type(self._model).__name__} puts out logits of shape {tuple(logits.shape)} for "
                f"{len(ids_T)} tokens. {INSTEAD}"
            )
        return logits[0]


def hidden_rows(output: Any, num_positions: int) -> Tensor:
    """The rows of all tokens in what a decoder puts out.

    Args:
        output: Of the decoder.
        num_positions: Tokens of the batch, padding included.

    Returns:
        (positions, channels).

    Raises:
        ForwardPassError: The output has another form.
    """
    hidden: Tensor = output if isinstance(output, Tensor) else output[0]
    if hidden.dim() != 3 or hidden.shape[0] * hidden.shape[1] != num_positions:
        raise ForwardPassError(
            f"the decoder puts out a tensor of shape {tuple(hidden.shape)} for {num_positions} "
            f"tokens, so no row is one token's. {INSTEAD}"
        )
    return hidden.flatten(0, 1)


def require_head(model: PreTrainedModel, name: str, lacking: Sequence[str]) -> None:
    """Refuse a model that predicts no tokens.

    Args:
        model: As it was loaded.
        name: Of the checkpoint, for the message.
        lacking: Weights behind the decoder that the checkpoint does not hold.

    Raises:
        IncompleteWeightsError: The checkpoint lacks its head.
        UnknownAnatomyError: The architecture has none.
    """
    if lacking:
        raise IncompleteWeightsError(
            f"--end-to-end needs the head that predicts tokens, and {name} has no "
            f"{', '.join(map(printable, lacking[:3]))}. {INSTEAD}"
        )
    if model.get_output_embeddings() is None:
        raise UnknownAnatomyError(
            f"--end-to-end needs a head that predicts tokens, and {type(model).__name__}, which "
            f"config.json of {name} names, has none. {INSTEAD}"
        )


def refuse_bidirectional(model: PreTrainedModel) -> NoReturn:
    """Refuse a model whose tokens see the ones that they would have to predict.

    Args:
        model: As it was loaded.

    Raises:
        UnknownAnatomyError: Always.
    """
    raise UnknownAnatomyError(
        f"--end-to-end compares losses of next tokens, and {type(model).__name__} is an encoder "
        f"(bidirectional), whose tokens see those after them. {INSTEAD}"
    )


def try_head(model: PreTrainedModel, anatomy: Anatomy) -> None:
    """Run two tokens through decoder and head, so that no long pass ends in a refusal.

    Args:
        model: The loaded checkpoint.
        anatomy: Its sites.

    Raises:
        UnknownAnatomyError: The decoder and the head are one module.
        ForwardPassError: As `Head.logits` and `hidden_rows`.
    """
    owner = model.get_submodule(anatomy.owner)
    if owner is model:
        raise UnknownAnatomyError(
            f"--end-to-end needs a decoder that is a module of its own, and {type(model).__name__} "
            f"runs layers and head in one. {INSTEAD}"
        )
    ids_BL = torch.zeros(
        (1, 2), dtype=torch.int64, device=input_device(model.get_input_embeddings())
    )
    with torch.inference_mode(), own_errors_told(model):
        output = owner(input_ids=ids_BL, use_cache=False)
        Head(model, anatomy).logits(output, hidden_rows(output, 2), ids_BL[0])


def like(output: Any, hidden_BLD: Tensor) -> Any:
    """Give other hidden states the form of a decoder's output.

    Args:
        output: Of the decoder.
        hidden_BLD: What shall stand in it.

    Returns:
        An output with nothing else in it.
    """
    if isinstance(output, Tensor):
        return hidden_BLD
    if isinstance(output, dict):
        return type(output)(**{next(iter(output)): hidden_BLD})
    return (hidden_BLD, *output[1:])


@contextmanager
def _standing_in(owner: nn.Module, output: Any) -> Iterator[None]:
    """While the block runs, a module puts out this and runs nothing."""
    own = vars(owner).get("forward")  # of the instance, where accelerate moves tensors for it
    owner.forward = lambda *_, **__: output
    try:
        yield
    finally:
        del owner.forward
        if own is not None:
            owner.forward = own
