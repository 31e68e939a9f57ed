"""A configuration is refused by the entry that is wrong, with what belongs there."""

import json
import re
import shutil

import pytest
from command import DENSE

from hubmaxact.errors import UnsafeCheckpointError
from hubmaxact.measurement.checkpoint.weight_files import inspect

CONFIG, TOKENIZER = "config.json", "tokenizer_config.json"

WRONG = (
    (CONFIG, {"model_type": None}, "null as its model_type, where a short name"),
    (CONFIG, {"model_type": ""}, '"" as its model_type'),
    (CONFIG, {"model_type": "qwen3 "}, '"qwen3 " as its model_type'),
    (CONFIG, {"model_type": ["qwen3"]}, "an array of 1 item as its model_type"),
    (CONFIG, {"architectures": [1]}, "as its architectures, where an array of names"),
    (CONFIG, {"architectures": "Qwen3ForCausalLM"}, '"Qwen3ForCausalLM" as its architectures'),
    (CONFIG, {"auto_map": None}, "null as its auto_map, where an object"),
    (CONFIG, {"auto_map": "x"}, '"x" as its auto_map'),
    (CONFIG, {"dtype": "int7"}, "where the name of one of torch's number formats"),
    (CONFIG, {"dtype": "torch.bfloat16"}, '"torch.bfloat16" as its dtype'),
    (CONFIG, {"torch_dtype": 5}, "5 as its torch_dtype"),
    (CONFIG, {"max_position_embeddings": 0}, "0 as its max_position_embeddings, where a whole"),
    (CONFIG, {"num_hidden_layers": 0}, "0 as its num_hidden_layers"),
    (CONFIG, {"hidden_size": -128}, "-128 as its hidden_size"),
    (TOKENIZER, {"auto_map": None}, "null as its auto_map"),
    (TOKENIZER, {"tokenizer_class": 5}, "5 as its tokenizer_class"),
    (TOKENIZER, {"added_tokens_decoder": []}, "as its added_tokens_decoder, where an object"),
)
SOUND = (
    (CONFIG, {"architectures": None}),
    (CONFIG, {"auto_map": {}}),
    (CONFIG, {"dtype": None}),
    (CONFIG, {"dtype": {"text_config": "bfloat16"}}),
    (CONFIG, {"dtype": "float8_e4m3fn"}),
    (TOKENIZER, {"tokenizer_class": None}),
)


@pytest.fixture
def changed(tmp_path):
    """A checkpoint in which one document holds something else."""
    folder = shutil.copytree(DENSE, tmp_path / "dense")

    def change(document, entry):
        said = json.loads((DENSE / document).read_text())
        (folder / document).write_text(json.dumps(said | entry))
        return folder

    return change


def test_an_entry_that_cannot_be_names_itself(changed):
    for document, entry, told in WRONG:
        with pytest.raises(UnsafeCheckpointError, match=re.escape(told)) as raised:
            inspect(changed(document, entry))
        assert str(raised.value).startswith(f"{document} holds "), entry
        changed(document, {})


def test_entries_that_repositories_have_pass(changed):
    for document, entry in SOUND:
        inspect(changed(document, entry))
        changed(document, {})
