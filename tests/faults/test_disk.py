"""The disk that fails does so for everyone who writes here, and only in the folder it is told."""

import errno

import pytest

from faults.disk import KILLED


@pytest.mark.parametrize("by", ["python", "safetensors", "torch"])
def test_each_library_goes_through_it(server, tmp_path, by):
    place, elsewhere = tmp_path / "place", tmp_path / "placebo"
    place.mkdir()
    elsewhere.mkdir()
    assert server.run("save", by, elsewhere / "x", under=place).calls == []
    done = server.run("save", by, place / "x", under=place)
    assert done.code == 0, done.said
    names = [call.name for call in done.calls]
    assert {"open64", "fopen64"} & set(names), names
    assert "write" in names, names
    for number, name in enumerate(names, 1):
        (place / "x").unlink(missing_ok=True)
        failed = server.run("save", by, place / "x", under=place, at=number, fault=errno.EIO)
        assert failed.code == 70, name
        # The C++ library tells it in words of its own.
        assert by == "torch" or "Input/output error" in failed.said, (name, failed.said)
        assert server.run("save", by, place / "x", under=place, at=number).code == KILLED
