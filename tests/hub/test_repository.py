"""Reading a model repository with the real client, in a process of its own."""

import hashlib
import json
import subprocess
import sys

import pytest
import torch
from huggingface_hub.utils import httpx
from loopback_hub import environment
from loopback_hub.desk import REPO, WEIGHTS
from safetensors.torch import save

from hubmaxact.errors import HubError
from hubmaxact.hub.hub_file import blob_id
from hubmaxact.hub.repository import _take, check_repo_id

SHOWN = """
import json, sys
from hubmaxact.errors import HubmaxactError
from hubmaxact.hub import repository as source
from hubmaxact.measurement.checkpoint import download as checkpoint
from hubmaxact.publication import weights
from hubmaxact.report import source as report
def shown(call):
    try: found = call()
    except HubmaxactError as error: return f"{type(error).__name__}: {error}"
    if isinstance(found, bytes): return found.decode()
    if isinstance(found, dict): return {path: [of.size, of.sha256] for path, of in found.items()}
    if hasattr(found, "iterdir"): return sorted(file.name for file in found.iterdir())
    return sorted(found) if isinstance(found, frozenset) else found
"""


INDEX = json.dumps({"weight_map": dict(enumerate(WEIGHTS))}).encode()
CONFIG = b'{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}'
WHOLE = {"config.json": CONFIG, "model.safetensors.index.json": INDEX, **WEIGHTS}
INT4_AWQ = b'{"quantization": {"quant_algo": "INT4_AWQ"}}'
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"

NOT_FOUND = (
    "HubError: alice/nope is not on the Hub, or this token may not see it (404). "
    "Check the name and the token; repositories are never created here."
)

WHICH = "Name a branch, a tag, or a commit by all of its 40 digits."


def ask(desk, *calls, token=None, first=""):
    """The values of these expressions, or the sentences of their errors; `first` runs before."""
    asked = ", ".join(f"shown(lambda: {call})" for call in calls)
    script = f"{first}{SHOWN}\nprint(json.dumps([{asked}]))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(desk.hub, desk.home, token),
        capture_output=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def test_a_revision_becomes_a_commit(desk):
    desk.repo.tag("v1")
    first = desk.repo.resolve("main").sha
    head = desk.repo.commit({"a.txt": b"a"}).sha
    assert ask(
        desk,
        f"source.resolve_commit({REPO!r})",
        f"source.resolve_commit({REPO!r}, 'v1')",
        f"source.resolve_commit({REPO!r}, {first!r})",
        f"source.resolve_commit({REPO!r}, 'v2')",
        "source.resolve_commit('alice/nope')",
        "source.resolve_commit('../../x')",
    ) == [
        head,
        first,
        first,
        f"HubError: alice/model has no revision v2 (404). {WHICH}",
        NOT_FOUND,
        "HubError: '../../x' is not a repository id. Write it as owner/name.",
    ]


def test_a_checkpoint_is_what_loading_needs_and_nothing_that_runs(desk):
    wanted = {
        "tokenizer.json": b"{}",
        "tokenizer_config.json": b"{}",
        "tokenizer.model": b"m",
        "vocab.json": b"{}",
        "merges.txt": b"m",
        "special_tokens_map.json": b"{}",
        "hf_quant_config.json": b"{}",
        "README.md": b"# x\n",
        **WHOLE,
    }
    unwanted = (
        "pytorch_model.bin", "modeling_x.py", "consolidated.safetensors", "training_args.pt",
        "onnx/model.safetensors", "notes.txt", "mtp.safetensors", "tokenizer.py",
        "generation_config.json",
    )  # fmt: skip
    commit = desk.repo.commit(wanted | dict.fromkeys(unwanted, b"x")).sha
    (names,) = ask(desk, f"checkpoint.download_checkpoint({REPO!r}, {commit!r})")
    assert names == sorted(wanted)


def quantized_release(desk):
    """The commit of codes without a scale, and how many bytes they are."""
    said = {"quant_method": "fp8", "weight_block_size": [128, 128]}
    config = json.dumps({**json.loads(CONFIG), "quantization_config": said}).encode()
    body = torch.zeros(300_000, 2, dtype=torch.float8_e4m3fn)  # longer than what is asked for first
    release = {"config.json": config, "tokenizer.json": b"{}"}
    release |= dict.fromkeys((*WEIGHTS, "model.safetensors.index.json"))
    release |= {"model.safetensors": save({"m.weight": body})}
    return desk.repo.commit(release).sha, body.numel()


def test_what_small_files_and_headers_tell_is_told_before_a_weight_is_fetched(desk):
    images = {"config.json": b'{"architectures": ["ViTModel"]}', "tokenizer.json": None}
    quantized = {"config.json": b'{"text_config": {"quantization_config": {"quant_method": "x"}}}'}
    causes = (
        ({"config.json": b'{"auto_map": {"AutoModel": "a.b"}}'}, "asks for custom code"),
        ({"tokenizer.json": None}, "has no tokenizer"),
        ({"tokenizer.json": POINTER}, r"Git LFS pointers"),
        (quantized, "are quantized (x)"),
        ({"config.json": b'{"is_encoder_decoder": true}'}, "is an encoder-decoder"),
        ({"config.json": b'{"architectures": ["T5Model"]}'}, "T5Model is an encoder-decoder"),
        ({"config.json": b'{"architectures": ["WhisperModel"]}'}, "is an encoder-decoder"),
        ({"config.json": b'{"architectures": ["Wav2Vec2ForCTC"]}'}, "takes sound (input_values)"),
        (images, "ViTModel takes images (pixel_values) and has no embedding of tokens"),
        ({"hf_quant_config.json": INT4_AWQ}, "(modelopt with quant_algo INT4_AWQ)"),
    )
    commits = [desk.repo.commit({**WHOLE, "tokenizer.json": b"{}", **c}).sha for c, _ in causes]
    calls = ("download_checkpoint", "describe_checkpoint")
    release, num_bytes = quantized_release(desk)
    *told, header = ask(
        desk,
        *(f"checkpoint.{c}({REPO!r}, {sha!r})" for c in calls for sha in commits),
        f"checkpoint.download_checkpoint({REPO!r}, {release!r})",
    )
    for sentence, (_, words) in zip(told, 2 * causes, strict=True):
        assert words in sentence
        assert str(desk.home) not in sentence
    assert "alice/model do not hold what config.json says of its quantized weights (fp8)" in header
    assert "m.weight holds codes (F8_E4M3), and their scale is not there" in header
    asked = [each for each in desk.hub.requests if each.target.endswith(".safetensors")]
    assert all(release in each.target for each in asked)
    assert [each.status for each in asked if each.method == "GET"] == [206]
    assert sum(each.num_sent for each in asked) < num_bytes / 4


@pytest.mark.nightly
def test_the_cache_tells_of_quantized_weights_as_the_hub_does(desk):
    release = {**WHOLE, "tokenizer.json": b"{}", "hf_quant_config.json": INT4_AWQ}
    commit = desk.repo.commit(release).sha
    fetch = f"checkpoint.api().snapshot_download({REPO!r}, revision={commit!r})"
    online, _ = ask(desk, f"checkpoint.download_checkpoint({REPO!r}, {commit!r})", f"len({fetch})")
    offline = "import os; os.environ['HF_HUB_OFFLINE'] = '1'"
    (told,) = ask(desk, f"checkpoint.cached_checkpoint({REPO!r}, {commit!r})", first=offline)
    assert "alice/model are quantized (modelopt with quant_algo INT4_AWQ)" in told
    assert told == online


@pytest.mark.nightly
def test_a_broken_library_is_told_before_a_weight_is_fetched(desk):
    (desk.home / "torch.py").write_text("raise OSError('libcudart.so.12')")
    commit = desk.repo.commit({**WHOLE, "tokenizer.json": b"{}"}).sha
    first = f"import sys; sys.path.insert(0, {str(desk.home)!r})"
    (told,) = ask(desk, f"checkpoint.download_checkpoint({REPO!r}, {commit!r})", first=first)
    assert "needs torch, which is installed and cannot be loaded: libcudart" in told
    assert not any(each.target.endswith(".safetensors") for each in desk.hub.requests)


def test_pickle_is_refused_before_anything_is_fetched(desk):
    pickle = desk.repo.commit({**dict.fromkeys(WEIGHTS), "pytorch_model.bin": b"x"}).sha
    nothing = desk.repo.commit({"pytorch_model.bin": None}).sha
    refused, empty = ask(
        desk,
        f"checkpoint.download_checkpoint({REPO!r}, {pickle!r})",
        f"checkpoint.download_checkpoint({REPO!r}, {nothing!r})",
    )
    assert refused.startswith("UnsafeCheckpointError: alice/model has only pickled weights")
    assert empty.startswith("NoCheckpointError: alice/model is no checkpoint: it has no safetens")
    assert f"Check the name and the revision ({nothing[:7]} was read)" in empty
    assert desk.hub.asked("GET", "/resolve/") == []


def test_digests_come_from_lfs_and_small_files_are_read(hub, desk):
    files = {"w.safetensors": b"small", "p.safetensors": POINTER}
    plain = hub.create_repo("alice/plain", files=files, gitattributes=b"")
    of = "weights.StoredWeights({0!r}, {1!r}, source.list_files({0!r}, {1!r})).sha256({2!r})"
    places = [(REPO, desk.repo.resolve("main").sha, name) for name in WEIGHTS]
    sha = plain.resolve("main").sha
    places += [("alice/plain", sha, name) for name in ("w.safetensors", "p.safetensors")]
    *lfs, small, pointer = ask(desk, *(of.format(*place) for place in places))
    assert lfs == [file["sha256"] for file in json.loads(desk.report)["model"]["weight_files"]]
    assert small == hashlib.sha256(b"small").hexdigest()
    assert pointer is None
    assert [each.target[-13:] for each in desk.hub.asked("GET", "/resolve/")] == [
        "w.safetensors",
        "p.safetensors",
    ]


def test_a_report_is_read_at_its_commit_and_never_beyond_its_cap(desk):
    without = desk.repo.resolve("main").sha
    good = desk.repo.commit({"activation_maxima.json": b"{}"}).sha
    large = desk.repo.commit({"activation_maxima.json": b" " * (2 * 2**20 + 1)}).sha
    found, missing, refused = ask(
        desk,
        f"report.download_report({REPO!r}, {good!r})",
        f"report.download_report({REPO!r}, {without!r})",
        f"report.download_report({REPO!r}, {large!r})",
    )
    assert found == "{}"
    assert "has no activation_maxima.json" in missing
    assert refused.startswith("HubError: activation_maxima.json is larger than 2,097,152 bytes")


def test_a_report_is_found_by_every_name_of_its_repository(desk):
    first = desk.repo.commit({"activation_maxima.json": b"[1]", "old/x.json": b"[0]"}).sha
    desk.repo.tag("v1")
    head = desk.repo.commit({"activation_maxima.json": b"[2]"}).sha
    page = f"{desk.hub.url}/{REPO}"
    wanted = {
        REPO: ["[2]", head],
        f"{REPO}@v1": ["[1]", first],
        f"hf://{REPO}@{first}/old/x.json": ["[0]", first],
        page: ["[2]", head],
        f"{page}/blob/v1/activation_maxima.json": ["[1]", first],
        f"{page}/resolve/{head}/old/x.json?download=true": ["[0]", head],
    }
    find = "(lambda found: [found.content.decode(), found.commit])(report.find({!r}))"
    lost = ("alice/nope", f"{page}/tree/v9", f"{REPO}@v9", "https://huggingface.co/alice/model")
    *found, unknown, no_tag, both, elsewhere = ask(desk, *map(find.format, [*wanted, *lost]))
    assert dict(zip(wanted, found, strict=True)) == wanted
    assert unknown == NOT_FOUND.replace(
        "HubError: ", "HubError: there is no file or folder alice/nope here, and on the Hub: "
    )
    assert no_tag == f"HubError: {REPO} has no revision v9 (404). {WHICH}"
    assert both.startswith(f"HubError: there is no file or folder {REPO}@v9 here, and on the Hub: ")
    assert elsewhere.startswith(
        "AddressError: https://huggingface.co/alice/model is not on the Hub"
    )


def test_a_length_that_is_not_announced_is_counted_while_reading():
    endless = httpx.Response(200, content=iter([b"x" * 10] * 1000))
    with pytest.raises(HubError, match="larger than 25 bytes"):
        _take(endless, "activation_maxima.json", 25)


def test_a_refusal_in_the_middle_of_a_download_is_told_as_one(desk):
    """The client looks into its cache then, and what it says of that is no reason."""
    commit = desk.repo.commit(WHOLE).sha
    desk.hub.faults.add("GET", "/tree/", skip=1, status=403, times=99)
    (refused,) = ask(desk, f"checkpoint.download_checkpoint({REPO!r}, {commit!r})")
    assert refused.startswith(f"HubError: the token may not read {REPO} (403).")


def test_a_wait_that_nobody_would_sit_through_is_told_and_not_slept_through(desk):
    """The client would sleep over each of these, five times and without a word."""
    commit = desk.repo.commit(WHOLE).sha
    long = {"status": 429, "headers": {"RateLimit": '"api";r=0;t=400'}}
    desk.hub.faults.add("GET", "/tree/", **long)
    desk.hub.faults.add("GET", "/tree/", status=503, times=3)
    desk.hub.faults.add("GET", "/resolve/.*config", **long)
    listing, files, download = ask(
        desk,
        f"source.list_files({REPO!r}, {commit!r})",
        f"source.list_files({REPO!r}, {commit!r})",
        f"checkpoint.download_checkpoint({REPO!r}, {commit!r})",
    )
    told = "NoAnswerError: the Hub's rate limit is used up (429). Try again in 400 seconds."
    assert listing == download == told
    assert set(WEIGHTS) < set(files)


def test_a_gated_model_names_its_page(desk):
    commit = desk.repo.commit(WHOLE).sha
    desk.repo.gated = "manual"
    (refused,) = ask(
        desk,
        f"checkpoint.download_checkpoint({REPO!r}, {commit!r})",
        token=desk.hub.accounts.issue("bob"),
    )
    assert refused.startswith(f"HubError: {REPO} is gated. Accept its terms at {desk.hub.url}/")


def test_blobs_are_named_as_git_names_them():
    assert blob_id(b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"


def test_an_id_written_otherwise_is_told_as_it_is_meant():
    for said, meant in {
        "alice/model/": "alice/model.",
        " alice/model": "alice/model.",
        "alice/model.git": "alice/model.",
        "models/alice/model": "alice/model.",
        "alice/model@v1": "alice/model, and v1 as its revision.",
        "hf://alice/model@refs/pr/1": "alice/model, and refs/pr/1 as its revision.",
        "hf.co/alice/model": "alice/model.",
        "https://huggingface.co/alice/model?x=1": "owner/name.",
        "https://huggingface.co/alice/model/tree/a%2Fb": "alice/model, and a/b as its revision.",
        "https://me:secret@hub:8/alice/model/blob/main/x.json": "alice/model, and main as",
        "hf://datasets/alice/rows": "owner/name.",
        "spaces/alice/page": "owner/name.",
        "a/b/c": "owner/name.",
    }.items():
        with pytest.raises(HubError) as refusal:
            check_repo_id(said)
        words = str(refusal.value)
        assert f"is not a repository id. Write it as {meant}" in words, said
        assert "secret" not in words, said
