"""What the environment says of several processes is read whole, or refused in one sentence."""

import subprocess
import sys

import pytest
from command import environment

from hubmaxact.measurement.distributed.group_here import group_here
from hubmaxact.measurement.distributed.launched import LaunchError, launched, left_alone, named_rank

WHOLE = {
    "RANK": "5",
    "WORLD_SIZE": "8",
    "LOCAL_RANK": "1",
    "MASTER_ADDR": "node-1",
    "MASTER_PORT": "29500",
}


def test_a_place_is_read():
    place = launched(WHOLE)
    assert (place.rank, place.size, place.local_rank) == (5, 8, 1)
    assert (place.address, place.port) == ("node-1", 29500)
    assert named_rank(WHOLE) == "rank 5: "


@pytest.mark.parametrize(
    "alone",
    [
        {},
        {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"},  # as accelerate sets them for one
        {"RANK": "0", "WORLD_SIZE": "1"},
    ],
)
def test_a_process_that_was_started_alone_is_alone(alone):
    assert (launched(alone), named_rank(alone)) == (None, "")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        *((name, f"{name} is not") for name in WHOLE),
        (("RANK", "8"), "RANK is '8' in the environment, and here it has to be .* from 0 to 7"),
        (("RANK", "-1"), "RANK is '-1'"),
        (("RANK", "\u0663"), "RANK is"),
        (("WORLD_SIZE", "0"), "WORLD_SIZE is '0' .* 1 or more"),
        (("LOCAL_RANK", "6"), "LOCAL_RANK is '6' .* from 0 to 5"),
        (("MASTER_PORT", "99999"), "MASTER_PORT is '99999'"),
        (("WORLD_SIZE", "8\x1b[2J"), r"WORLD_SIZE is '8.+u001b\[2J'"),
    ],
)
def test_half_a_place_is_refused(changed, said):
    now = dict(WHOLE)
    if isinstance(changed, str):
        del now[changed]
    else:
        now.update([changed])
    with pytest.raises(LaunchError, match=said):
        launched(now)
    assert named_rank(now) == ""


def test_it_is_said_that_accelerate_started_one_process_alone():
    alone = {"ACCELERATE_USE_CPU": "False"}
    of_several = {**alone, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}
    assert left_alone(of_several).startswith("accelerate launch was told of several processes")
    assert left_alone(alone) == left_alone({**WHOLE, **of_several}) == left_alone(WHOLE) == ""


def test_one_process_loads_no_torch_for_it(tmp_path):
    script = (
        "import sys\n"
        "from hubmaxact.measurement.distributed.group_here import group_here\n"
        "with group_here() as group:\n"
        "    told = group.gather(b'1'), group.broadcast(b'2')\n"
        "print(group.rank, group.size, *told, 'torch' in sys.modules)\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=environment(tmp_path),
    ).stdout
    assert printed == "0 1 [b'1'] b'2' False\n"


def test_nonsense_is_refused_before_anything_is_loaded(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(LaunchError, match="RANK is not"), group_here():
        pass
