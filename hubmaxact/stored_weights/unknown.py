"""Why a quantized release is not expanded here, each time as a phrase that a sentence takes in."""


class UnknownStorageError(Exception):
    """Raised when a configuration says that weights are stored in a way that no row tells.

    Its text is a phrase such as "aqlm" or "awq of 8 bits".
    """


class UnsoundStorageError(Exception):
    """Raised when weight files hold other tensors than the declared ways of storing need.

    Its text is a clause such as "model.x.weight has codes and no scale".
    """
