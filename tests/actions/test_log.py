"""The harness sees what a runner would act on; without that the other tests would prove nothing."""

import pytest

from actions.expressions import UnknownExpressionError, filled, holds
from actions.harness import Run, run_script
from actions.log import Log


def test_a_script_that_pastes_a_tag_is_caught(machine):
    run = Run(machine)
    tag = "v1$(touch${IFS}canary)\n::error::pwned"
    run_script(f'echo "{tag}"', machine, {}, run)
    assert (machine.workspace / "canary").exists()
    assert run.log.errors == ["pwned"]


def test_an_output_with_a_line_break_is_two_outputs(machine):
    script = 'echo "url=$VALUE" >> "$GITHUB_OUTPUT"'
    found = run_script(script, machine, {"VALUE": "a\nabs-max=0"}, Run(machine))
    assert found == {"url": "a", "abs-max": "0"}


@pytest.mark.parametrize("line", ["::error::x", "  ::error file=a,line=1::x", "a ##[error]x"])
def test_a_command_is_one_wherever_the_runner_finds_it(line):
    log = Log()
    log.read(f"{line}\n")
    assert log.errors == ["x"]


def test_commands_are_words_between_stop_and_go():
    log = Log()
    log.read("::stop-commands::T\n::error::x\n::stop-commands::U\n::U::\n::T::\n::error::y\n")
    assert (log.errors, log.stopped_until) == (["y"], None)


def test_a_masked_word_is_not_shown():
    log = Log()
    log.read("::add-mask::abc\nxabcx\n")
    assert (log.shown, log.raw) == ("x***x", "::add-mask::abc\nxabcx\n")


@pytest.mark.parametrize("unknown", ["inputs.x || 'y'", "toJSON(github)", "github.token", "x"])
def test_an_expression_that_is_not_known_is_an_error(unknown):
    contexts = {"inputs": {"x": ""}, "github": {}}
    with pytest.raises(UnknownExpressionError):
        filled(f"${{{{ {unknown} }}}}", contexts)
    with pytest.raises(UnknownExpressionError):
        holds(f"{unknown} == 'a'", contexts)
