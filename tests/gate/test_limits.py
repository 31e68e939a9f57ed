"""Limits from a file and from options: checked, merged, and refused when they say nothing."""

import math
import time
from pathlib import Path

import pytest

from hubmaxact.gate.limits import Limits, LimitsError, limits, merged, settings_of
from hubmaxact.report.source import UnreadableFileError

FULL = """
max_abs = 50_000
not_exceeding = ["float16", "bfloat16"]
cache_not_exceeding = ["fp8_e4m3"]
against = "old/activation_maxima.json"
max_ratio = 1.5
require_complete = true

[min_sqnr_db]
int8 = 20
"int8:clip_q0.999" = 3.5
"int8/per_token" = 30

[max_loss_change]
"kv:fp8_e4m3/per_tensor/unscaled" = 0.02
"""


def write(folder, text):
    path = folder / "gate.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_key_of_a_file_is_read(tmp_path):
    assert limits(settings_of(write(tmp_path, FULL))) == Limits(
        max_abs=50_000.0,
        not_exceeding=("float16", "bfloat16"),
        cache_not_exceeding=("float8_e4m3fn",),
        min_sqnr_db={"int8": 20.0, "int8:clip_q0.999": 3.5, "int8/per_token": 30.0},
        max_loss_change={"kv:fp8_e4m3/per_tensor/unscaled": 0.02},
        against=tmp_path / "old" / "activation_maxima.json",
        max_ratio=1.5,
        require_complete=True,
    )


def test_a_format_is_known_by_its_other_names():
    asked = limits({"not_exceeding": ["fp16", "FLOAT16", "bf16", "fp8_e4m3"]})
    assert asked.not_exceeding == ("float16", "bfloat16", "float8_e4m3fn")


def test_an_unknown_key_is_refused_with_the_known_ones():
    with pytest.raises(LimitsError) as caught:
        limits({"max_ab": 3})
    assert str(caught.value) == (
        'a gate knows nothing of "max_ab"; known: max_abs, not_exceeding, cache_not_exceeding, '
        "min_sqnr_db, max_loss_change, against, max_ratio, require_complete, "
        "no_remote_code."
    )
    assert caught.value.exit_code == 2


WRONG = [
    ("max_abs", math.nan, "a finite number, found nan"),
    ("max_abs", math.inf, "a finite number, found inf"),
    ("max_abs", True, "a finite number, found true"),
    ("max_abs", "9", 'a finite number, found "9"'),
    ("max_abs", 0, "a number above 0, found 0"),
    ("max_abs", -3.0, "a number above 0, found -3.0"),
    ("max_abs", 10**400, "a finite number"),
    ("max_ratio", 0.0, "a number above 0"),
    ("not_exceeding", "float16", "a list of formats"),
    ("not_exceeding", ["fp12"], "a list of formats among float16, bfloat16, float8_e4m3fn"),
    ("not_exceeding", [16], "a list of formats among"),
    ("not_exceeding", [["float16"]], "a list of formats among"),
    ("min_sqnr_db", 20, "a table of FORMAT = decibels"),
    ("min_sqnr_db", {"int8": math.nan}, "a finite number, found nan"),
    ("min_sqnr_db", {"int8": {"max_abs": 3}}, "a finite number"),
    ("cache_not_exceeding", ["int8"], "a list of formats among"),
    ("max_loss_change", 0.1, "a table of FORMAT = nats"),
    ("max_loss_change", {"int8/per_token": math.inf}, "a finite number, found inf"),
    ("against", 3, "the name of an earlier report"),
    ("against", "", "the name of an earlier report"),
    ("require_complete", 1, "true or false, found 1"),
    ("require_complete", "yes", "true or false"),
]


@pytest.mark.parametrize(("key", "value", "said"), WRONG, ids=range(len(WRONG)))
def test_a_value_that_says_nothing_is_refused(key, value, said):
    with pytest.raises(LimitsError) as caught:
        limits({key: value})
    assert str(caught.value).startswith(key)
    assert said in str(caught.value)


@pytest.mark.parametrize("settings", [{"against": "a.json"}, {"max_ratio": 2.0}])
def test_against_and_max_ratio_belong_together(settings):
    with pytest.raises(LimitsError, match="belong together"):
        limits(settings)


def test_options_override_the_file_key_by_key_and_format_by_format():
    file = {"max_abs": 5, "max_ratio": 2, "min_sqnr_db": {"int8": 20, "int8:clip_q0.999": 3}}
    given = {"max_abs": 9, "min_sqnr_db": {"int8": 25}}
    assert merged(file, given) == {
        "max_abs": 9,
        "max_ratio": 2,
        "min_sqnr_db": {"int8": 25, "int8:clip_q0.999": 3},
    }
    assert file["min_sqnr_db"]["int8"] == 20


def test_a_damaged_table_in_the_file_is_not_hidden_by_an_option():
    with pytest.raises(LimitsError, match="not_exceeding"):
        limits(merged({"not_exceeding": 3}, {"max_abs": 9.0}))


@pytest.mark.parametrize(
    "content",
    [
        b"max_abs = ",
        b"max_abs = 1\nmax_abs = 2",
        b"\xff\xfe",
        b"a = " + b"[" * 5000,
        b"\x1b[31m = 1",
    ],
    ids=range(5),
)
def test_what_is_not_toml_is_refused_in_one_printable_sentence(tmp_path, content):
    path = tmp_path / "gate.toml"
    path.write_bytes(content)
    with pytest.raises(LimitsError) as caught:
        settings_of(path)
    assert "is not TOML" in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_very_long_file_is_refused(tmp_path):
    with pytest.raises(LimitsError, match="more than 8,192 bytes"):
        settings_of(write(tmp_path, "#" * 8_193))


def test_the_longest_key_that_fits_is_refused_in_a_moment(tmp_path):
    start = time.perf_counter()
    with pytest.raises(LimitsError):
        limits(settings_of(write(tmp_path, "a." * 4_090 + "a = 1")))
    assert time.perf_counter() - start < 5


def test_a_missing_file_is_named():
    with pytest.raises(UnreadableFileError, match=r"nowhere\.toml"):
        settings_of(Path("nowhere.toml"))


def test_an_absolute_path_in_the_file_stays(tmp_path):
    settings = settings_of(write(tmp_path, 'against = "/reports/old.json"'))
    assert settings["against"] == Path("/reports/old.json")
