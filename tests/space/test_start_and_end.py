"""How the Space starts: in words, where it listens, without secrets. How it ends: at once."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from space.serving import APP, free_port, running, space_environment


def refused(home, **environment):
    done = subprocess.run(
        [sys.executable, str(APP)],
        env=space_environment(home, **environment),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    return done.returncode, done.stderr


@pytest.mark.by_day("environment0-*", "environment5-*")
@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "HUBMAXACT_INDEX is not set. Set it to a folder"),
        ({"HUBMAXACT_INDEX": ""}, "HUBMAXACT_INDEX is not set."),
        ({"HUBMAXACT_INDEX": "name"}, "neither a folder here nor a data set as org/name"),
        ({"HUBMAXACT_INDEX": "a/b/c"}, "neither a folder here nor a data set as org/name"),
        ({"HUBMAXACT_INDEX": "https://x.y/z"}, "neither a folder here nor a data set"),
        ({"HUBMAXACT_INDEX": "org/na me\x1b[31m"}, "is not a repository id"),
        ({"HUBMAXACT_INDEX": "o/n", "HUBMAXACT_INDEX_REVISION": "a b"}, "Name a branch"),
        ({"HUBMAXACT_INDEX": "o/n", "HUBMAXACT_REFRESH_SECONDS": "nan"}, "a number of seconds"),
        ({"HUBMAXACT_INDEX": "o/n", "HUBMAXACT_REFRESH_SECONDS": "0"}, "a number of seconds"),
    ],
)
def test_an_environment_that_cannot_be_used_is_one_sentence(tmp_path, environment, said):
    code, sentence = refused(tmp_path, **environment)
    assert code == 2
    assert said in sentence
    assert "\x1b" not in sentence


def test_a_library_that_is_not_there_is_one_sentence(tmp_path):
    env = {"PYTHONPATH": str(tmp_path), "HUBMAXACT_INDEX": "org/name"}
    for package in ("hubmaxact", "gradio", "pyarrow"):
        without_site = [sys.executable, "-S", str(APP)]
        done = subprocess.run(without_site, env=env, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            f"hubmaxact: the comparison page needs {package}, which is not installed; "
            'run pip install "hubmaxact[space]".\n'
        )
        (tmp_path / f"{package}.py").touch()


def test_one_line_says_what_is_served_and_where(space, index):
    assert space.line == f"Serving {index} at {space.url}/\n"
    assert space.url.startswith("http://127.0.0.1:")


@pytest.mark.nightly
def test_a_folder_is_found_from_where_the_process_was_started(index, tmp_path):
    with running(tmp_path, cwd=index.parent, HUBMAXACT_INDEX="catalog") as served:
        assert served.json("/data/page.json")["total"] == 30


def listening(pid):
    """Addresses on which a process listens, as /proc writes them (0100007F is 127.0.0.1)."""
    sockets = {str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir() if fd.is_symlink()}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {
        row[1].split(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets
    }


@pytest.mark.nightly
def test_it_listens_at_home_on_loopback_and_in_a_space_for_everybody(space, index, tmp_path):
    assert listening(space.process.pid) == {"0100007F"}
    env = {
        "SPACE_ID": "org/space",
        "SPACE_HOST": "org-space.hf.space",
        "HUBMAXACT_INDEX": str(index),
    }
    with running(tmp_path, env=env) as served:
        assert listening(served.process.pid) == {"00000000"}
        asked = {"Host": "org-space.hf.space", "X-Forwarded-Proto": "https"}
        with httpx.Client(base_url=f"http://127.0.0.1:{served.port}", trust_env=False) as http:
            assert http.get("/data/page.json", headers=asked).json()["total"] == 30
            assert "127.0.0.1" not in http.get("/config", headers=asked).json()["root"]
        assert served.end()[0] == 0


def test_a_token_in_the_environment_is_forgotten(index, tmp_path):
    """/proc shows the environment a process got, so the process itself is asked."""
    script = tmp_path / "peek.py"
    script.write_text(
        "import os, sys, runpy, threading, time\n"
        f"sys.path.insert(0, {str(APP.parent)!r})\n"
        "def peek():\n"
        "    while 'server' not in sys.modules: time.sleep(0.05)\n"
        "    print(sorted(k for k in os.environ if 'TOKEN' in k), file=sys.stderr, flush=True)\n"
        "threading.Thread(target=peek, daemon=True).start()\n"
        f"runpy.run_path({str(APP)!r}, run_name='__main__')\n"
    )
    secrets = {"HF_TOKEN": "hf_secret", "HUGGING_FACE_HUB_TOKEN": "hf_secret"}
    with running(tmp_path, script=script, HUBMAXACT_INDEX=str(index), env=secrets) as served:
        served.json("/data/about.json")
        assert served.said == "[]\n"


@pytest.mark.by_day("15")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_when_told_even_while_clients_listen(index, tmp_path, number):
    with running(tmp_path, HUBMAXACT_INDEX=str(index)) as served:
        place = Path(f"/proc/{served.process.pid}/cwd").readlink().parent
        other = httpx.Client(base_url=served.url, trust_env=False, timeout=30)
        with other, other.stream("GET", "/gradio_api/heartbeat/listener") as beats:
            next(beats.iter_raw())
            code, seconds = served.end(number)
        assert (code, served.said) == (0, "")
        assert seconds < 10
        assert not place.exists()


@pytest.mark.nightly
def test_the_address_is_the_next_free_one(index, tmp_path):
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        env = {"GRADIO_SERVER_PORT": str(port)}
        with running(tmp_path, HUBMAXACT_INDEX=str(index), env=env) as served:
            assert port < served.port < port + 100
