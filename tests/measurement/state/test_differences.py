"""What tells two runs apart is said in a user's words, the most telling first."""

import copy

from hubmaxact.measurement.state.differences import differences, told

A, B = "a" * 64, "b" * 64
RUN = {
    "plan": {"digest": f"sha256:{A}", "batches": [[0, 1], [2]]},
    "environment": {"hubmaxact": "1.0", "torch": "2.13", "device_name": "H100"},
    "protocol": {
        "corpus": {"name": "probe-5k", "digest": f"sha256:{A}", "num_samples": 10},
        "max_seq_len": 4096,
        "special_tokens": {"bos_added": False},
    },
    "model": {
        "id": "org/name",
        "commit": None,
        "weight_files": [{"path": f"{n}.safetensors", "sha256": A} for n in "12"],
    },
    "fingerprint": f"sha256:{A}",
    "domains": ["web"] * 10,
}


def changed(*changes):
    other = copy.deepcopy(RUN)
    for path, value in changes:
        *above, last = path
        place = other
        for key in above:
            place = place[key]
        place[last] = value
    return other


def test_the_same_run_has_none():
    assert differences(RUN, copy.deepcopy(RUN)) == []


SAID = {
    "the model differs: org/name there, none here": ("model", "id"),
    "the commit differs: none there, ccccccccccccccc... here": ("model", "commit"),
    "the corpus differs: probe-5k sha256:aaaaaaaa... 10 there, probe-5k "
    "sha256:bbbbbbbb... 10 here": ("protocol", "corpus", "digest"),
    "protocol.special_tokens.bos_added differs: false there, true here": (
        "protocol",
        "special_tokens",
        "bos_added",
    ),
    "the weight files differ: 2.safetensors aaaaaaaaaaaaaaa... there, 2.safetensors "
    "bbbbbbbbbbbbbbb... here": ("model", "weight_files", 1, "sha256"),
    "the plan of batches differs: sha256:aaaaaaaa... there, sha256:bbbbbbbb... here": (
        "plan",
        "digest",
    ),
    "domains differs: web there, math here": ("domains", 3),
    "the device differs: H100 there, H200 here": ("environment", "device_name"),
}
VALUES = {"id": None, "commit": "c" * 40, "bos_added": True, "sha256": B, 3: "math"}
VALUES |= {"digest": f"sha256:{B}", "device_name": "H200"}


def test_each_is_told_in_words():
    for words, path in SAID.items():
        assert differences(RUN, changed((path, VALUES[path[-1]]))) == [words]


def test_the_most_telling_is_first():
    paths = [path for words, path in SAID.items() if "plan" not in words]
    found = differences(RUN, changed(*((path, VALUES[path[-1]]) for path in reversed(paths))))
    order = ["model", "commit", "weight", "corpus", "device", "special_tokens", "domains"]
    assert [next(name for name in order if name in each) for each in found] == order
    assert told(found) == f"{'; '.join(found[:4])}; and 3 other differences"
    assert told(found[:4]) == "; ".join(found[:4])


def test_no_difference_is_passed_over():
    for there, here in ((1, True), (1, 1.0), (0, None), ([], [0]), ({}, {"a": {}}), ("1", 1)):
        assert differences({"x": there}, {"x": here})
        assert differences({"x": {"y": [here]}}, {"x": {"y": [there]}})
    assert differences({}, {"new": None}) == ["new differs: nothing there, none here"]


def test_strangers_text_stays_on_a_line():
    (said,) = differences({"model": {"id": "a\nb\x1b[31m"}}, {"model": {"id": "c" * 500}})
    assert "\n" not in said
    assert "\x1b" not in said
    assert len(said) < 200
