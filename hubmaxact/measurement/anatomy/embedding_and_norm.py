"""Around the decoder layers: the embedding, and the norm that makes the last hidden state.

The final norm is the module whose output *is* the last hidden state. A decoder that ends in its
last layer, or in a map (OPT's smaller sizes), has none by design.
"""

from hubmaxact.measurement.anatomy import module_traits
from hubmaxact.measurement.anatomy.decoder_stack import Stack
from hubmaxact.measurement.anatomy.probe_pass import Probe
from hubmaxact.measurement.anatomy.site import Missing, Site


def find_embedding_and_norm(stack: Stack, probe: Probe) -> list[Site | Missing]:
    """The embedding's site, and the final norm's if there is a final norm."""
    embedding = Site(role="embedding", layer=None, part=None, module=stack.embedding_name)
    return [embedding, *_final_norm(stack, probe)]


def _final_norm(stack: Stack, probe: Probe) -> list[Site | Missing]:
    last = probe.last
    assert last is not None
    named = dict(stack.model.named_modules(remove_duplicate=False))
    norms = [
        (name, tensor)
        for name, tensor in probe.after_layers
        if tensor.shape == last.shape and not module_traits.has_matrix(named[name])
    ]
    # The first of them: a dropout after it hands the same tensor on.
    for name, tensor in norms:
        if module_traits.begin_alike(tensor, last):
            calls = probe.calls[name]
            return [Site(role="final_norm", layer=None, part=None, module=name, calls=calls)]
    if not norms:
        return []
    reason = "what follows the last layer does not put out the last hidden state"
    name = norms[-1][0]
    return [Missing(role="final_norm", layer=None, part=None, module=name, reason=reason)]
