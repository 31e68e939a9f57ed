"""Offline, the cache is read by branch, tag or commit, and a file that it lacks is named."""

import re
import shutil
from pathlib import Path

import pytest
from command import DENSE
from huggingface_hub import constants
from recognition.places import NO_CHECKPOINTS, POINTER

from hubmaxact.errors import HubError, HubmaxactError, NoCheckpointError
from hubmaxact.hub import cache
from hubmaxact.hub.retry import NoAnswerError
from hubmaxact.measurement.source import Source, resolve_source
from hubmaxact.recognition.adapter import AdapterFoundError

FIRST, HEAD = "1" * 40, "2" * 40
REPO = "alice/model"
LACKING = (
    "no safetensors weights",
    "no config",
    "and no index",
    "but neither",
    r"names a\.safetensors",
    "It lacks adapter",
)
"""What a folder is told to lack, and the cache may lack where the repository does not."""


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """The folder of a repository in the cache, as the Hub's client leaves it."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    folder = tmp_path / "models--alice--model"
    for commit in (FIRST, HEAD):
        shutil.copytree(DENSE, folder / "snapshots" / commit)
    (folder / "refs" / "refs" / "pr").mkdir(parents=True)
    for name, commit in (("main", HEAD), ("v1", FIRST), ("refs/pr/1", FIRST)):
        (folder / "refs" / name).write_text(commit)
    return folder


def test_a_checkpoint_is_found_by_branch_tag_and_commit(cached):
    for revision, commit in (
        (None, HEAD),
        ("main", HEAD),
        ("v1", FIRST),
        ("refs/pr/1", FIRST),
        (FIRST, FIRST),
    ):
        folder = cached / "snapshots" / commit
        wanted = Source(folder, REPO, revision or "main", commit)
        assert resolve_source(REPO, revision=revision) == wanted, revision


def test_what_was_never_fetched_is_refused_with_what_was(cached, tmp_path):
    (tmp_path / "secret").write_text(HEAD)
    (cached / "refs" / "v2").write_text("../../secret")
    for revision in ("v3", "3" * 40, "../../secret", "/etc/hostname", "v2", "a\0b", "refs"):
        with pytest.raises(
            HubError, match=r"does not hold alice/model at .*, only main, .* v1"
        ) as at:
            resolve_source(REPO, revision=revision)
        assert "HF_HUB_OFFLINE" in str(at.value), revision
    with pytest.raises(
        HubError, match=r"does not hold alice/other at main\. Fetch it where .*other`"
    ):
        resolve_source("alice/other")


@pytest.mark.parametrize(
    ("removed", "named"),
    [
        ("config.json", "config.json"),
        ("model.safetensors", "model.safetensors"),
        ("tokenizer.json", "tokenizer.json"),
    ],
)
def test_the_file_that_an_incomplete_cache_lacks_is_named(cached, removed, named):
    (cached / "snapshots" / HEAD / removed).unlink()
    with pytest.raises(HubError, match=f"does not hold {named} of alice/model at 2222222"):
        resolve_source(REPO)


def test_a_shard_that_is_not_there_is_named_with_or_without_the_index(cached):
    folder = cached / "snapshots" / HEAD
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    with pytest.raises(HubError, match=r"does not hold model\.safetensors\.index\.json of"):
        resolve_source(REPO)
    shards = '{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "%s"}}'
    index = folder / "model.safetensors.index.json"
    index.write_text(shards % "model-00002-of-00002.safetensors")
    with pytest.raises(HubError, match=r"does not hold model-00002-of-00002\.safetensors of"):
        resolve_source(REPO)
    # A link whose blob is gone is no file.
    (folder / "model-00002-of-00002.safetensors").symlink_to("../../blobs/gone")
    with pytest.raises(HubError, match=r"does not hold model-00002-of-00002\.safetensors of"):
        resolve_source(REPO)


def test_what_the_cache_holds_instead_of_a_checkpoint_is_told_as_of_a_folder(cached):
    """Fetching it once more, which is the advice where a file is lacking, would change nothing."""
    folder = cached / "snapshots" / HEAD
    for words, error, files in NO_CHECKPOINTS:
        shutil.rmtree(folder)
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        with pytest.raises(HubmaxactError) as refusal:
            resolve_source(REPO)
        is_lacking = re.search(r"^HF_HUB_OFFLINE is set.*does not hold", str(refusal.value))
        assert bool(is_lacking) == any(part in words for part in LACKING), refusal.value
        if not is_lacking and error is not AdapterFoundError:  # that may be measured
            assert isinstance(refusal.value, error), words
            assert re.search(words, str(refusal.value)), words
            # "alone" is said of what is there, and the repository may hold more.
            assert "alone" not in words or "what the Hub's cache" in str(refusal.value), words


def test_a_name_that_is_empty_is_not_the_folder_here(cached, monkeypatch):
    monkeypatch.chdir(cached / "snapshots" / HEAD)
    assert resolve_source(".").folder == Path()
    with pytest.raises(NoCheckpointError, match="name of the checkpoint is empty"):
        resolve_source("")


def test_only_what_can_be_asked_for_is_named_as_held(cached):
    (cached / "refs" / "gone").write_text("9" * 40)
    with pytest.raises(HubError, match=r"at v3, only main, refs/pr/1, v1\. Fetch"):
        resolve_source(REPO, revision="v3")
    shutil.rmtree(cached / "refs")
    with pytest.raises(HubError, match=rf"at main, only {FIRST}, {HEAD}\. Fetch"):
        resolve_source(REPO)


def test_a_hub_that_does_not_answer_leaves_the_cache(cached, monkeypatch):
    def none(*_args, **_options):
        raise NoAnswerError("no usable answer. Try again later.")

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(cache, "resolve_commit", none)
    for revision, commit in ((None, HEAD), ("v1", FIRST), (FIRST, FIRST)):
        held = rf"later\. The cache .* files of it at {commit[:7]}, .* HF_HUB_OFFLINE=1\."
        with pytest.raises(HubError, match=held):
            cache.find_commit(REPO, revision)
    with pytest.raises(HubError, match=r"^no usable answer\. Try again later\.$"):
        cache.find_commit(REPO, "v3")


def test_pointers_that_were_committed_are_no_fault_of_the_cache(cached):
    (cached / "snapshots" / HEAD / "tokenizer.json").write_bytes(POINTER)
    with pytest.raises(HubmaxactError, match=r"tokenizer\.json\)\. Upload the files themselves"):
        resolve_source(REPO)


def test_what_a_branch_pointed_to_is_noted_where_files_were_fetched(cached):
    cache.remember(REPO, "new/branch", FIRST)
    cache.remember(REPO, None, FIRST)
    cache.remember(REPO, "nothing-fetched", "4" * 40)
    cache.remember(REPO, "../../../outside", FIRST)
    assert cache.find_commit(REPO, "new/branch") == cache.find_commit(REPO) == FIRST
    assert not (cached / "refs" / "nothing-fetched").exists()
    assert not (cached.parent / "outside").exists()
