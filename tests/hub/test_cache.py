"""Offline, the cache is read by branch, tag or commit, and a file that it lacks is named."""

import shutil

import pytest
from command import DENSE
from huggingface_hub import constants

from hubmaxact.errors import HubError
from hubmaxact.hub import cache
from hubmaxact.measurement.source import Source, resolve_source

FIRST, HEAD = "1" * 40, "2" * 40
REPO = "alice/model"


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


def test_what_a_branch_pointed_to_is_noted_where_files_were_fetched(cached):
    cache.remember(REPO, "new/branch", FIRST)
    cache.remember(REPO, None, FIRST)
    cache.remember(REPO, "nothing-fetched", "4" * 40)
    cache.remember(REPO, "../../../outside", FIRST)
    assert cache.find_commit(REPO, "new/branch") == cache.find_commit(REPO) == FIRST
    assert not (cached / "refs" / "nothing-fetched").exists()
    assert not (cached.parent / "outside").exists()
