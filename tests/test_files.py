"""Writing keeps what a file is, and reading takes only files, and only so much of them."""

import os

import pytest

from hubmaxact.files import read_regular, replacing, write_bytes


@pytest.fixture
def umask():
    old = os.umask(0o027)
    yield
    os.umask(old)


def mode(path):
    return oct(path.stat().st_mode & 0o777)


def test_a_new_file_gets_what_the_umask_leaves(tmp_path, umask):
    write_bytes(tmp_path / "new", b"x")
    assert mode(tmp_path / "new") == "0o640"


@pytest.mark.parametrize("old", [0o600, 0o644, 0o664])
def test_a_file_that_is_replaced_keeps_its_mode(tmp_path, umask, old):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(old)
    write_bytes(path, b"new")
    assert (path.read_bytes(), mode(path)) == (b"new", oct(old))
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_no_more_is_read_than_asked_for(tmp_path):
    path = tmp_path / "large"
    path.touch()
    os.truncate(path, 2**40)
    assert read_regular(path, 3) == b"\0\0\0"


def test_only_a_regular_file_is_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, "/dev/zero"):
        with pytest.raises(OSError, match="it is not a regular file"):
            read_regular(path, 3)


def test_a_file_that_is_not_finished_replaces_nothing(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        stop_writing(path)
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def stop_writing(path):
    with replacing(path, "mark-") as file:
        file.write(b"new")
        assert len(list(path.parent.glob(".hubmaxact-mark-*"))) == 1
        raise KeyboardInterrupt
