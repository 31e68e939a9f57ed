"""Every family that is measured in memory is streamed to the same bits, or refused by name."""

import numpy as np
import pytest
import torch
from deployed import families as deployed
from deployed import odd_families
from measurement.streaming.runs import states
from oracle import tiny
from oracle.families import FAMILIES

from hubmaxact.errors import OptionsError

pytestmark = pytest.mark.nightly

REFUSED = {"zaya": "layer 1 reads what another layer returns beside the hidden state"}
LENGTHS = (37, 5, 22, 41, 3, 17, 30, 11)
IDS = [
    np.random.default_rng(length).integers(5, 300, size=length).astype(np.int32)
    for length in LENGTHS
]
MADE = {
    **{f"{name} of the oracle": (lambda n=name: tiny.random_model(n, 3)) for name in FAMILIES},
    **{
        name: (lambda n=name: deployed.build(n))
        for name in deployed.FAMILIES
        if name not in FAMILIES
    },
    **{name: (lambda n=name: odd_families.build(n)) for name in odd_families.CONFIGS},
}


@pytest.mark.parametrize("name", MADE)
def test_bits_are_the_same_or_the_family_is_refused(name, tmp_path):
    MADE[name]().to(torch.bfloat16).save_pretrained(tmp_path)
    tiny.tokenizer().save_pretrained(tmp_path)
    if name in REFUSED:
        with pytest.raises(OptionsError, match=REFUSED[name]):
            states(tmp_path, IDS, budget=(20_000,), profile="deployment")
        return
    whole, streamed, chunks = states(tmp_path, IDS, budget=(20_000,), profile="deployment")
    assert whole.keys() == streamed.keys()
    assert [key for key in whole if not torch.equal(whole[key], streamed[key])] == []
    assert len(chunks) > 1
