import json

import pytest

from hubmaxact.corpus.paper import decode, read_tokenizer, source_file
from hubmaxact.errors import CorpusError


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"category": "math"}, '"input_ids" must be a non-empty array'),
        ({"input_ids": []}, '"input_ids" must be a non-empty array'),
        ({"input_ids": "1 2"}, '"input_ids" must be a non-empty array'),
        (
            {"input_ids": [5, 9999]},
            r'"input_ids" holds 9999 at position 1; .* ids from 0 to \d+\.$',
        ),
        ({"input_ids": [-1]}, '"input_ids" holds -1 at position 0'),
        ({"input_ids": [True]}, '"input_ids" holds True at position 0'),
        ({"input_ids": [1.0]}, '"input_ids" holds 1.0 at position 0'),
        ({"input_ids": [1], "category": 7}, '"category" must be a string'),
    ],
)
def test_a_bad_line_is_named_with_its_number(tmp_path, llama_like, row, sentence):
    path = tmp_path / "ids.jsonl"
    path.write_text(json.dumps({"input_ids": [1, 259]}) + "\n" + json.dumps(row) + "\n")
    tokenizer = read_tokenizer(llama_like.to_str().encode())
    with pytest.raises(CorpusError, match=f"^ids.jsonl line 2: {sentence}"):
        list(decode(path, tokenizer, path.name))


def test_the_file_of_llama_ids_is_chosen_among_others():
    assert source_file(["x_llama2.jsonl", "x_qwen.jsonl"]) == "x_llama2.jsonl"
    assert source_file(["README.md", "x.json"]) == "x.json"
    with pytest.raises(CorpusError, match=r"holds 2 .jsonl or .json files"):
        source_file(["a.jsonl", "b.jsonl"])
