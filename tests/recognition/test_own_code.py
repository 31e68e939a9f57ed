"""Which files a checkpoint's own code is made of, found without running any."""

import hashlib

import pytest
from own_code_model import AUTO_MAP, CODE, own_code_model, write

from hubmaxact.errors import UnsafeCheckpointError
from hubmaxact.recognition.folder import Folder
from hubmaxact.recognition.own_code import MOST_BYTES, MOST_FILES, code_files

MODEL = AUTO_MAP["AutoModelForCausalLM"]


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "tiny", own_code_model())


def found(folder, *references):
    return code_files(Folder(folder, "org/tiny"), references or [MODEL])


def refused(folder, *references):
    with pytest.raises(UnsafeCheckpointError) as error:
        found(folder, *references)
    return str(error.value)


def test_what_is_named_and_what_that_imports_from_beside_it(folder):
    files = found(folder)
    assert [file.path for file in files] == CODE
    for path, size, sha256 in files:
        content = (folder / path).read_bytes()
        assert (size, sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_imports_are_followed_wherever_they_stand_and_in_circles(folder):
    (folder / "modeling_tiny.py").write_text(
        "try:\n    from .one import (\n        x)\nfinally: y\n"
    )
    (folder / "one.py").write_text("def f():\n\tfrom .two import z\nfrom .one import x")
    (folder / "two.py").write_text("from .one import x\nfrom torch import nn\nimport os.path\n")
    assert [file.path for file in found(folder)] == ["modeling_tiny.py", "one.py", "two.py"]


def test_code_of_another_repository_is_refused_by_name(folder):
    said = refused(folder, "other/repo--modeling.Tiny")
    assert "code of another repository (other/repo--modeling.Tiny)" in said


@pytest.mark.parametrize(
    "reference", ["modeling", "../modeling.Tiny", "a.b.C", "/etc/x.Y", "mod\n.Tiny", ""]
)
def test_what_names_no_class_of_a_file_is_refused(folder, reference):
    assert "where a file and a class belong" in refused(folder, reference)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("from .parts.attention import A", "imports .parts.attention, and only files beside it"),
        ("from ..outside import A", "imports ..outside, and only files beside it"),
        ("from .missing import A", "org/tiny has no missing.py, which its own code needs"),
    ],
)
def test_imports_that_lead_elsewhere_are_refused(folder, line, told):
    (folder / "configuration_tiny.py").write_text(line)
    assert told in refused(folder)


def test_code_beyond_measure_is_refused(folder):
    for number in range(MOST_FILES + 1):
        (folder / f"m{number}.py").write_text(f"from .m{number + 1} import x")
    assert f"more than {MOST_FILES} files" in refused(folder, "m0.X")
    (folder / "modeling_tiny.py").write_bytes(b"\n" * (MOST_BYTES + 1))
    assert "modeling_tiny.py of org/tiny is larger than 5,000,000 bytes" in refused(folder)
    (folder / "modeling_tiny.py").write_bytes(b"\xff")
    assert "modeling_tiny.py of org/tiny is not UTF-8" in refused(folder)
