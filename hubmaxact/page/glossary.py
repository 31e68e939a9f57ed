"""What the page's words mean, for people who see them for the first time.

A device without a pointer shows no titles, so every word that needs a meaning stands here too.
"""

from hubmaxact.rendering.fit.verdicts import NOTE

WORDS = {
    "M": (
        "The largest activation, sign dropped, over the embedding, the hidden states, the outputs "
        "of attention and MLP, and the final norm. A maximum over one corpus."
    ),
    "hidden state": "A layer's output: the residual stream, which every layer adds to.",
    "MLP gate": (
        "The gated unit's values before their activation function. Reported beside M, not in it; "
        "it can exceed a format where M does not."
    ),
    "router logits": (
        "What a mixture of experts chooses its experts by, before softmax. Reported beside M."
    ),
    "Low precision, unscaled": (
        "Whether a watched tensor exceeded the format's largest value as it is. FP8 is used with "
        "a scale, so exceeding it is no verdict; in fp16 a larger value becomes infinity."
    ),
    "beyond, near, below fp16": (
        "Beyond: a watched tensor exceeded 65,504. Near: one came within a factor of 2 of it."
    ),
    "INT-8 SQNR": (
        "Signal over the noise of rounding to INT-8, in decibels; higher is better, 20 dB more is "
        "a tenth of the error. A diagnostic, as in arXiv:2605.15572: deployed kernels often do "
        "not round the tensor that holds M."
    ),
    "FP8 inputs, MXFP4 inputs, FP8 cache": (
        "The same ratio for what deployed kernels do round: all that linear maps read, and keys "
        "and values as cached. Of each tensor alone: what it costs the model's answers is another "
        "question."
    ),
    "Loss, worst loss": (
        "How much worse the model predicts its texts with activations really rounded, in nats a "
        "token: 0.01 makes perplexity grow by 1 %. The worst of the ways that its report was asked "
        "for, so two releases compare by it where they were asked for the same; the comparison of "
        "picked releases has each way."
    ),
    "lowest": (
        "Of all tensors that a format rounds, the one that it rounds worst, with its module: what "
        "to keep in a wider format first."
    ),
    "2^-n": (
        "A power of two that a residual stream beyond fp16 is scaled by to stay within it; the "
        "model computes the same, that much smaller."
    ),
    "small, moderate, large or severe error or loss, as on the card": NOTE,
    "Protocol": (
        "How a release was measured: the texts and how many, their longest length, special "
        "tokens, number format. Values are comparable within one protocol."
    ),
    "current": "The repository on the Hub holds the very weights that were measured.",
    "stale": "It holds other weights by now: the report speaks of older ones.",
    "copied from": "The report or the weights are another repository's.",
    "unverified": "Nobody compared the report with weights on the Hub, as with a local file.",
    "says it is": "The name that a report gives itself. Nobody checked it.",
    "reported by the paper": "Values of arXiv:2605.15572; there is no report to verify.",
}
"""Each word to its meaning, in the order in which a reader meets them."""
