"""What a process with strangers' code tells: held to what it can be, and to what is known."""

import copy

import pytest
from shipped_reports import own_code_report

from hubmaxact.confinement.messages import Message
from hubmaxact.confinement.process import ConfinedError
from hubmaxact.errors import OptionsError
from hubmaxact.measurement.batch_plan import plan_batches
from hubmaxact.measurement.confined.crossing import nonsense_refused
from hubmaxact.measurement.confined.measure import _checked
from hubmaxact.measurement.confined.watching import Hearer, Teller
from hubmaxact.measurement.source import resolve_source
from hubmaxact.measurement.watcher import Watcher

COMMIT = "0123456789abcdef0123456789abcdef01234567"
KNOWN = {
    "id": "alice/tiny",
    "revision": COMMIT,
    "commit": COMMIT,
    "weight_files": [{"path": "model.safetensors", "size": 16_000_000_000, "sha256": "a" * 64}],
    "remote_code": True,
    "remote_code_files": [{"path": "modeling_tiny.py", "size": 9, "sha256": "b" * 64}],
}


class TestReport:
    def test_which_checkpoint_was_measured_is_no_claim(self):
        claimed = own_code_report()
        claimed["model"] |= {"id": "meta/famous", "remote_code": False}
        del claimed["model"]["remote_code_files"]
        model = _checked(claimed, {}, KNOWN)["model"]
        assert {name: model[name] for name in KNOWN} == KNOWN

    @pytest.mark.parametrize("claimed", [None, [], {}, {"model": None}, "report"])
    def test_what_is_no_report_is_refused(self, claimed):
        with pytest.raises(ConfinedError, match="it made no report"):
            _checked(claimed, {}, KNOWN)

    def test_a_report_that_is_not_valid_is_refused(self):
        claimed = own_code_report()
        claimed["model"]["extra"] = 1
        with pytest.raises(ConfinedError, match=r'report that is none: model: .*"extra"'):
            _checked(claimed, {}, KNOWN)

    def test_files_that_it_does_not_name_are_refused(self):
        with pytest.raises(ConfinedError, match="other files than its report names"):
            _checked(own_code_report(), {"channels.safetensors": b"x"}, KNOWN)


class Told(Watcher):
    def __init__(self):
        self.calls = []

    def __getattribute__(self, name):
        if name in {"stage", "note", "planned", "planned_again", "batch_done"}:
            return lambda *values: self.calls.append((name, *values))
        return super().__getattribute__(name)


class TestProgress:
    def test_it_is_heard_as_it_was_told(self):
        plan = plan_batches([5, 3, 9], calibration=1, evaluation=1, batch_tokens=10)
        told, heard = [], Told()
        teller = Teller(lambda kind, *values: told.append(Message(kind, copy.copy(list(values)))))
        teller.stage("Loading")
        teller.note("as it is")
        teller.planned(plan, 34, 17)
        teller.batch_done(plan.batches[1])
        teller.planned_again(plan.evaluation, 2)
        hearer = Hearer(heard)
        assert all(map(hearer.heard, told))
        assert heard.calls == [
            ("stage", "Loading"),
            ("note", "as it is"),
            ("planned", plan, 34, 17),
            ("batch_done", plan.batches[1]),
            ("planned_again", [*plan.evaluation], 2),
        ]

    def test_a_sentence_cannot_steer_the_terminal(self):
        heard = Told()
        Hearer(heard).heard(Message("stage", ["\x1b]0;spam\x07" + "x" * 9999]))
        ((_, sentence),) = heard.calls
        assert "\x1b" not in sentence
        assert len(sentence) < 700

    @pytest.mark.parametrize(
        ("kind", "values"),
        [
            ("stage", []),
            ("stage", [7]),
            ("batch_done", [0]),
            ("batch_done", [-1]),
            ("planned", [[["rest", [0], 1e3]], "", 1, 1]),
            ("planned", [[["spam", [0], 1]], "", 1, 1]),
            ("planned_again", [[0], True]),
        ],
    )
    def test_nonsense_is_refused(self, kind, values):
        hearer = Hearer(Told())
        with pytest.raises(ConfinedError, match="no message"), nonsense_refused():
            hearer.heard(Message(kind, values))


class TestWhatMayBeTrusted:
    @pytest.mark.parametrize(
        ("revision", "found"),
        [
            (None, "none"),
            ("main", "main"),
            (COMMIT[:12], COMMIT[:12]),
            (COMMIT.upper(), "0123456789ABC"),
        ],
    )
    def test_a_full_commit_hash_alone(self, revision, found):
        with pytest.raises(OptionsError, match=rf"40 hexadecimal digits, found {found}"):
            resolve_source("alice/tiny", revision=revision, trust_remote_code=True)

    @pytest.mark.parametrize("revision", [None, COMMIT])
    def test_no_local_folder(self, tmp_path, revision):
        with pytest.raises(OptionsError, match="is a local folder, which has no commit"):
            resolve_source(tmp_path, revision=revision, trust_remote_code=True)
