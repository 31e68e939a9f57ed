"""The section says what a reader needs, in order, and promises no more than was measured."""

import example_reports
import pytest

from hubmaxact.rendering import commands, section
from hubmaxact.report.write import digest, report_bytes

REPORTS = example_reports.BY_NAME


@pytest.mark.parametrize("name", REPORTS)
def test_the_section_is_what_it_was(name, golden):
    golden(f"section_{name}.md", section.render(REPORTS[name]()))


@pytest.mark.parametrize("name", REPORTS)
def test_the_section_has_its_parts_in_order(name):
    report = REPORTS[name]()
    text = section.render(report)
    assert text.startswith("## Activation maxima\n\n")
    assert text.endswith("\n")
    assert "<!--" not in text
    sentence, table, facts, picture, shell, *_ = text.split("\n\n")[1:]
    assert sentence.endswith(".")
    assert len(table.splitlines()) == 2 + 2
    assert [line[:10] for line in facts.splitlines()] == ["- **Larges", "- **INT8 c", "- **Measur"]
    assert picture.startswith("![Largest activation of each of")
    assert picture.endswith("](activation_maxima/layers.svg)")
    assert shell.startswith("```sh\n# reproduce\nhubmaxact measure ")
    assert text.count("<details>") == text.count("</details>") == 1
    assert digest(report) in text
    assert "https://arxiv.org/abs/2605.15572" in text
    assert "diagnostic, as in" in text.lower()


def test_the_first_ten_seconds():
    text = section.render(example_reports.dense_report())
    head = text.split("<details>")[0]
    for said in (
        "**7,968**",
        "hidden state of layer 6",
        "`model.layers.6`, channel 1,234; token 0 (id 151643) of text 0",
        "One bf16 step there is 32.",
        "hidden state of layers 7-33",
        "No watched tensor exceeded 65,504 in 12,582,912 tokens",
        "5,000 texts of `probe-5k`",
        "hubmaxact verify example-org/Example-8B",
    ):
        assert said in head


@pytest.mark.parametrize("name", REPORTS)
def test_no_word_promises_more_than_was_measured(name):
    text = section.render(REPORTS[name]()).lower()
    for word in ("fits", "int8 quality", "int-8 quality", "safe", "lossless"):
        assert word not in text


def test_what_exceeded_fp16_is_named():
    text = section.render(example_reports.huge_report())
    row = next(line for line in text.splitlines() if line.startswith("| **fp16**"))
    assert row == (
        "| **fp16** | **exceeded** | 696,320 is 10.6 times 65,504; in the hidden state of layer 6, "
        "unscaled | `model.layers.6` |"
    )


def test_a_gate_beyond_fp16_counts_though_m_is_below():
    sites = [
        example_reports.site(role, layer, peak, width=64, place=(0, 0, 0, 0))
        for role, layer, peak in (
            ("embedding", None, 1),
            ("hidden_state", 0, 12),
            ("mlp_output", 0, 8),
            ("mlp_gate", 0, 70_144),
        )
    ]
    for site in sites:
        site["top"] = site["top"][:1]
    text = section.render(example_reports.assemble(sites, num_layers=1, hidden_size=64))
    assert "70,144 is 1.07 times 65,504; in the MLP gate of layer 0, unscaled" in text
    assert "A gate or a router exceeds that limit." in text


def test_a_broken_measurement_says_so_first():
    partial = section.render(example_reports.partial_report()).splitlines()[2]
    assert partial.startswith("This measurement is partial (1 expected tensor never seen): ")
    broken = section.render(example_reports.non_finite_report()).splitlines()[2]
    assert broken.startswith("2 watched tensors held NaN or infinity: among finite values, ")


def test_range_over_mean_and_cv_have_two_names():
    text = section.render(example_reports.dense_report())
    assert "| texts | subsets | M | range / mean | coefficient of variation |" in text
    assert "| 1,000 | 5 | 7,488 to 7,968 | 6.21 % | 3.11 % |" in text


def test_the_reproducing_command_names_every_choice():
    report = example_reports.partial_report(protocol={"dtype": "bfloat16", "batch_tokens": 777})
    command = commands.reproduce(report).replace(" \\\n ", "")
    commit = report["model"]["commit"]
    assert command == (
        f"hubmaxact measure example-org/Example-8B --revision {commit} --corpus probe-5k "
        "--num-samples 5000 --max-seq-len 4096 --special-tokens as_tokenizer --dtype bfloat16 "
        "--batch-tokens 777 --calibration-samples 128 --evaluation-samples 256 "
        "--profile paper --allow-partial"
    )


def test_a_run_on_a_cpu_is_repeated_with_as_many_threads():
    report = example_reports.small_report()
    report["environment"] |= {"device_type": "cpu", "device_name": "x86_64 AVX2 16 threads"}
    assert " --cpu-threads 16" in commands.reproduce(report).replace(" \\\n ", "")


def test_products_are_named_where_another_processor_may_make_others():
    report = example_reports.small_report()
    assert "--products" not in commands.reproduce(report)
    assert "products in" not in section.render(report)
    report["environment"] |= {"device_type": "cuda", "products": "native"}
    assert "--products" not in commands.reproduce(report)
    report["environment"]["device_type"] = "cpu"
    assert "--products native" in commands.reproduce(report).replace(" \\\n ", "")
    report["environment"]["products"] = "float32"
    assert "--products float32" in commands.reproduce(report).replace(" \\\n ", "")
    assert "products in float32, rounded once, attention" in section.render(report)


@pytest.mark.parametrize(
    ("name", "version", "option"),
    [
        ("probe-5k", "1", "--corpus probe-5k "),
        ("paper", "0123abc", "--corpus paper "),
        ("owner/texts", "0123abc", "--corpus hf://datasets/owner/texts@0123abc "),
        ("my texts", None, "--corpus 'my texts.jsonl' "),
        ("我的 texts", None, "--corpus '我的 texts.jsonl' "),
        ("मेरे", None, "--corpus 'मेरे.jsonl' "),
        ("a`b", None, "--corpus FILE.jsonl "),
        ("a\u202eb", None, "--corpus FILE.jsonl "),
        ("x" * 300, None, "--corpus FILE.jsonl "),
    ],
)
def test_a_corpus_is_named_as_the_commands_take_it(name, version, option):
    report = example_reports.small_report()
    report["protocol"]["corpus"] |= {"name": name, "version": version}
    assert option in commands.reproduce(report).replace("\\\n", "")
    is_carried = name in {"probe-5k", "paper"}
    assert ("--corpus" in commands.verify(report)) is not is_carried
    assert is_carried or option.strip() in commands.verify(report)


def test_a_local_folder_is_verified_from_the_file():
    report = example_reports.few_samples_report()
    assert commands.reproduce(report).startswith("hubmaxact measure CHECKPOINT --corpus ")
    assert commands.verify(report) == "hubmaxact verify activation_maxima.json CHECKPOINT"


def test_the_section_speaks_of_the_bytes_that_are_written():
    import hashlib

    report = example_reports.small_report()
    assert hashlib.sha256(report_bytes(report)).hexdigest() in section.render(report)


def test_without_a_finite_value_there_is_no_empty_table_of_roles():
    report = example_reports.non_finite_report() | {"global_max": None, "max_by_role": {}}
    text = section.compose(report, "0" * 64)
    assert "**NaN and infinity**" in text
    assert "**By role**" not in text
