"""`hubmaxact audit`: 0 where all scales reach, 1 naming those that do not, 2 if none can."""

import json

import example_reports
import pytest
from audit import checkpoints as made
from command import hubmaxact_here
from loopback_hub import LoopbackHub, run_cli

from hubmaxact.report.write import report_bytes

WORST = "model.layers.1.mlp.down_proj"


@pytest.fixture
def desk(tmp_path):
    report = made.deployment_report()
    (tmp_path / "report.json").write_bytes(report_bytes(report))
    tensors = made.fp8_modelopt(report)
    made.write(tmp_path / "good", tensors, made.said_modelopt())
    tensors[f"{WORST}.input_scale"] = made.scalar(7 / 448)
    tensors["model.layers.0.self_attn.k_proj.k_scale"] = made.scalar(1.0)
    made.write(tmp_path / "bad", tensors, made.said_modelopt())
    return tmp_path


def run(desk, *words):
    return hubmaxact_here("audit", *words, cwd=desk)


def test_a_checkpoint_whose_scales_reach(desk):
    done = run(desk, "report.json", "good")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "good (modelopt): 18 static scales."
    assert ["matches", "14", "2", "2"] in [line.split() for line in done.stdout.splitlines()]


def test_one_whose_scales_do_not(desk, golden):
    done = run(desk, "report.json", "bad")
    assert done.returncode == 1
    assert done.stderr == (
        f"hubmaxact: 2 of 18 scales failed: input of {WORST} (4 times what it stands for); key of "
        "model.layers.0.self_attn (1.34 times what it stands for).\n"
    )
    golden("bad.txt", done.stdout)


def test_a_tolerance_lets_pass_what_exceeds_by_less(desk):
    assert run(desk, "report.json", "bad", "--tolerance", 2.9).returncode == 1
    done = run(desk, "report.json", "bad", "--tolerance", 3)
    assert (done.returncode, done.stderr) == (0, "")


def test_json_has_every_row(desk):
    done = run(desk, "report.json", "bad", "--format", "json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert (found["audit_version"], found["passed"], len(found["rows"])) == ("0.1", False, 18)
    (row,) = [row for row in found["rows"] if row["module"] == WORST]
    assert row == {
        "kind": "input",
        "module": WORST,
        "tensor": f"{WORST}.input_scale",
        "element": None,
        "convention": "FP8 E4M3",
        "dtype": "F32",
        "scale": 0.015625,
        "representable": 7.0,
        "in_kernel": None,
        "measured": 28.0,
        "ratio": 4.0,
        "clipped_share": row["clipped_share"],
        "bits_unused": None,
        "agrees": True,
        "verdict": "saturates",
        "fails": True,
        "detail": "",
    }


UNUSABLE = {
    "another profile": (
        example_reports.dense_report(),
        made.said_modelopt(),
        "the report is of profile paper",
    ),
    "another size": (
        made.deployment_report(num_layers=3),
        made.said_modelopt(),
        "its num_layers is 3, and that of good is 2",
    ),
    "not quantized": (made.deployment_report(), None, "nothing says that good is quantized"),
}


def test_a_size_beyond_all_numbers_is_told_too(desk):
    config = json.loads((desk / "good" / "config.json").read_bytes())
    config["hidden_size"] = 10**400
    (desk / "good" / "config.json").write_text(json.dumps(config))
    done = run(desk, "report.json", "good")
    assert (done.returncode, done.stdout) == (2, "")
    assert "its hidden_size is 64, and that of good is 1000000" in done.stderr


def test_what_an_older_tool_says_in_a_file_of_its_own_is_heard(desk):
    config = json.loads((desk / "good" / "config.json").read_bytes())
    del config["quantization_config"]
    (desk / "good" / "config.json").write_text(json.dumps(config))
    inner = {"quant_algo": "FP8", "kv_cache_quant_algo": "NVFP4"}
    said = {"producer": {"name": "modelopt"}, "quantization": inner}
    (desk / "good" / "hf_quant_config.json").write_text(json.dumps(said))
    done = run(desk, "report.json", "good")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("good (modelopt): 18 static scales.")
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["convention", "unknown", "2", "2"] in rows
    assert ["matches", "14"] in rows


@pytest.mark.parametrize("kind", UNUSABLE)
def test_what_cannot_be_held_against_each_other_is_refused(desk, kind):
    report, said, words = UNUSABLE[kind]
    (desk / "report.json").write_bytes(report_bytes(report))
    made.write(desk / "good", made.fp8_modelopt(made.deployment_report()), said)
    done = run(desk, "report.json", "good")
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def test_names_of_another_model_are_refused(desk):
    tensors = made.fp8_modelopt(made.deployment_report())
    other = {name.replace("model.", "backbone.", 1): each for name, each in tensors.items()}
    made.write(desk / "good", other, made.said_modelopt())
    done = run(desk, "report.json", "good")
    assert (done.returncode, done.stdout) == (2, "")
    assert "not one of 18 static scales that good ships" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("report.json", "nowhere/"), "is not a folder"),
        (("report.json", "report.json"), "is a file, not a folder"),
        (("missing.json", "good"), "cannot read missing.json"),
        (("report.json", "good", "--tolerance", "-1"), "is no share"),
        (("report.json", "good", "--tolerance", "nan"), "is no share"),
        (("report.json", "good", "--revision", "v1"), "has no revisions"),
    ],
)
def test_what_is_not_there_is_said_in_a_sentence(desk, words, said):
    words = ("report.json", f"./{words[1]}", *words[2:]) if "nowhere" in words[1] else words
    done = run(desk, *words)
    assert done.returncode == 2
    assert said in done.stderr


class TestOnTheHub:
    """Headers and scales are fetched, and no weights."""

    @pytest.fixture
    def hub(self):
        with LoopbackHub() as running:
            yield running

    @pytest.fixture
    def repo(self, hub, desk):
        tensors = made.fp8_modelopt(made.deployment_report())
        weights = {"model.embed_tokens.weight": made.zeros("BF16", 1000, 1000)}
        files = made.files({**weights, **tensors}, made.said_modelopt())
        return hub.create_repo("alice/quantized", files=files)

    def test_weights_stay_there(self, hub, repo, desk):
        done = run_cli(["audit", "report.json", "alice/quantized"], hub, desk)
        assert (done.code, done.stderr) == (0, "")
        assert "alice/quantized (modelopt): 18 static scales." in done.stdout
        fetched = hub.asked("GET", "/resolve/")
        weights = [each for each in fetched if each.target.endswith(".safetensors")]
        assert {each.status for each in weights} == {206}
        assert sum(each.num_sent for each in fetched) < 150_000
        assert len(weights) == 2

    @pytest.mark.nightly
    def test_a_hub_that_sends_whole_files_is_not_listened_to(self, hub, repo, desk):
        whole = repo.read("model.safetensors", repo.resolve("main").sha)
        hub.faults.add("GET", "safetensors", status=200, body=whole, times=9)
        done = run_cli(["audit", "report.json", "alice/quantized"], hub, desk)
        assert done.code == 2
        assert "sends whole files where parts of them are asked for" in done.stderr
        assert "hf download" in done.stderr

    @pytest.mark.nightly
    def test_another_part_than_was_asked_for_is_no_answer(self, hub, repo, desk):
        sent = {
            "status": 206,
            "headers": {"Content-Range": "bytes 7-10/99"},
            "body": bytes(200_000),
        }
        hub.faults.add("GET", "safetensors", **sent)
        done = run_cli(["audit", "report.json", "alice/quantized"], hub, desk)
        assert (done.code, done.stdout) == (2, "")
        assert "arrived damaged" in done.stderr

    def test_what_was_fetched_before_is_audited_offline(self, hub, repo, desk):
        commit = repo.resolve("main").sha
        cache = desk / "hf" / "hub" / "models--alice--quantized" / "snapshots" / commit
        cache.mkdir(parents=True)
        for name in ("config.json", "model.safetensors"):
            (cache / name).write_bytes(repo.read(name, commit))
        words = ["audit", "report.json", "alice/quantized", "--revision", commit]
        done = run_cli([*words, "--format", "json"], hub, desk, extra={"HF_HUB_OFFLINE": "1"})
        assert (done.code, hub.requests) == (0, [])
        assert json.loads(done.stdout)["commit"] == commit

    def test_there_must_be_such_a_repository(self, hub, repo, desk):
        done = run_cli(["audit", "report.json", "alice/other"], hub, desk)
        assert done.code == 2
        assert "alice/other" in done.stderr
