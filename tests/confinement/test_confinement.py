"""Hostile code in a confined process: what it reaches, and what becomes of what it says."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from user_namespaces import FORBID, PERMITTED

from hubmaxact.confinement import process
from hubmaxact.confinement.messages import Message
from hubmaxact.confinement.process import ConfinedError, UnconfinedError, require, running

HERE = Path(__file__).parent
permitted = pytest.mark.skipif(not PERMITTED, reason="user namespaces are forbidden here")


@pytest.fixture(autouse=True)
def _jobs(monkeypatch):
    monkeypatch.syspath_prepend(HERE)


def ran(code, *, most=0, **places):
    """What hostile code tells before it has done."""
    with running("code_job", {"code": code, **places.pop("job", {})}, most=most, **places) as told:
        return list(told)[1:]


def values(code, **places):
    return [value for message in ran(code, **places) for value in message.values]


def refused(code, **places):
    with pytest.raises(ConfinedError) as error:
        ran(code, **places)
    return str(error.value)


@pytest.mark.skipif(PERMITTED, reason="user namespaces are permitted here")
def test_where_the_system_forbids_it_nothing_runs():
    with pytest.raises(UnconfinedError, match="this system does not permit one"):
        require()


@permitted
def test_where_a_user_may_make_no_namespace_nothing_runs():
    script = "from hubmaxact.confinement.process import require; require()"
    done = subprocess.run(
        [sys.executable, "-c", FORBID, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "UnconfinedError" in done.stderr
    assert "(unshare: No space left on device)" in done.stderr


@permitted
class TestNetwork:
    def test_there_is_no_interface_but_a_loopback_that_is_down(self):
        names, flags = values(
            "import socket, fcntl\n"
            "asked = socket.socket()\n"
            "flags = fcntl.ioctl(asked, 0x8913, b'lo'.ljust(40, b'\\0'))[16]\n"  # SIOCGIFFLAGS
            "tell('', socket.if_nameindex(), flags)"
        )
        assert names == [[1, "lo"]]
        assert flags & 1 == 0  # IFF_UP

    def test_a_server_on_this_machine_cannot_be_reached(self, tmp_path):
        local = socket.socket(socket.AF_UNIX)
        local.bind(str(tmp_path / "agent"))
        local.listen()
        with socket.create_server(("127.0.0.1", 0)) as server, local:
            said = values(
                "import socket\n"
                "for where in (('127.0.0.1', port), ('203.0.113.1', 80), agent):\n"
                "    kind = socket.AF_UNIX if where is agent else socket.AF_INET\n"
                "    try: socket.socket(kind).connect(where); tell('', 'reached')\n"
                "    except OSError as error: tell('', error.strerror)\n",
                job={"port": server.getsockname()[1], "agent": str(tmp_path / "agent")},
            )
        assert said == ["Network is unreachable"] * 2 + ["No such file or directory"]


@permitted
class TestSecrets:
    def test_the_environment_is_what_is_named(self, monkeypatch):
        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, "hf_secret")
        (found,) = values("import os; tell('', dict(os.environ))")
        assert "hf_secret" not in str(found)
        assert found["HF_HUB_OFFLINE"] == "1"
        assert found["PATH"] == os.environ["PATH"]
        assert set(found) <= {*process.variables({}), *process.variables(os.environ)}

    def test_no_other_process_can_be_looked_into(self, monkeypatch):
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        found = values(
            "import os\n"
            "for number in filter(str.isdecimal, os.listdir('/proc')):\n"
            "    for name in ('environ', 'mem', 'cwd/x', 'root/etc/passwd', 'fd/0'):\n"
            "        try:\n"
            "            with open(f'/proc/{number}/{name}', 'rb') as file:\n"
            "                if number != os.readlink('/proc/self'): tell('', file.name, name)\n"
            "        except OSError: pass\n"
        )
        assert found == []

    def test_home_keys_and_token_are_not_there(self, monkeypatch, tmp_path):
        home = Path.home()
        (tmp_path / "token").write_text("hf_secret")
        said = values(
            "import os\n"
            "tell('', os.listdir(os.path.expanduser('~')))\n"
            "for path in paths: tell('', os.path.lexists(path))\n",
            job={"paths": [str(tmp_path / "token"), *map(str, (home / ".ssh", home / ".netrc"))]},
        )
        assert said == [[], False, False, False]

    def test_the_folder_that_python_was_started_in_is_not_among_packages(
        self, monkeypatch, tmp_path
    ):
        monkeypatch.chdir(tmp_path)
        monkeypatch.syspath_prepend(tmp_path)
        assert values(
            "import os; tell('', os.path.lexists(path))", job={"path": str(tmp_path)}
        ) == [False]

    def test_no_disk_and_no_terminal_is_among_the_devices(self):
        (found,) = values("import os; tell('', sorted(os.listdir('/dev')))")
        assert {"null", "urandom"} <= set(found)
        assert not [name for name in found if name.startswith(("sd", "vd", "nvme", "tty", "pts"))]


@permitted
class TestFiles:
    def test_what_is_named_can_be_read_and_not_changed(self, tmp_path):
        (tmp_path / "weights").write_text("as they are")
        beside = tmp_path.parent / "beside"
        beside.touch()
        said = values(
            "import os\n"
            "tell('', open(path + '/weights').read(), os.path.exists(beside))\n"
            "for do in (lambda: open(path + '/weights', 'a'), lambda: os.unlink(path + '/weights'),"
            " lambda: open(path + '/new', 'w'), lambda: open(package + '/new.py', 'w'),"
            " lambda: open('/proc/sys/kernel/core_pattern', 'a')):\n"
            "    try: do(); tell('', 'done')\n"
            "    except OSError as error: tell('', error.strerror)\n",
            reads=[tmp_path],
            job={"path": str(tmp_path), "beside": str(beside), "package": str(HERE)},
        )
        assert said == ["as they are", False, *["Read-only file system"] * 5]
        assert [path.name for path in tmp_path.iterdir()] == ["weights"]

    def test_a_copy_may_be_written_to_and_stays_a_copy(self, tmp_path):
        (tmp_path / "kept").write_text("ours")
        said = values(
            "file = path + '/kept'\n"
            "before = open(file).read(); open(file, 'w').write('theirs')\n"
            "tell('', before, open(file).read())",
            copies=[tmp_path, tmp_path / "missing"],
            job={"path": str(tmp_path)},
        )
        assert said == ["ours", "theirs"]
        assert (tmp_path / "kept").read_text() == "ours"

    def test_rights_cannot_be_had_again(self):
        said = values(
            "import ctypes, os\n"
            "libc = ctypes.CDLL(None, use_errno=True)\n"
            "libc.unshare(0x10020000)\n"  # into namespaces of its own
            "tell('', libc.mount(None, b'/usr', None, 32 | 4096, None), libc.umount2(b'/usr', 2))\n"
            "try: open('/usr/new', 'w')\n"
            "except OSError as error: tell('', error.strerror)\n"
        )
        assert said == [-1, -1, "Read-only file system"]


@permitted
class TestItsWords:
    def test_what_it_prints_is_shown_to_nobody(self, capfd):
        assert ran("import os; print('spam'); os.write(2, b'\\x1b]0;spam')") == []
        assert capfd.readouterr() == ("", "")

    def test_what_it_raises_is_one_safe_sentence(self):
        said = refused("raise RuntimeError('no\\nsuch \\x1b[31mthing')")
        assert said == (
            "the process that runs the checkpoint's own code: "
            "RuntimeError: no such \\u001b[31mthing."
        )

    @pytest.mark.parametrize(
        ("code", "told"),
        [
            ("import os; os._exit(0)", "it ended before it was done (exit code 0)."),
            ("raise SystemExit(3)", "it ended before it was done (exit code 3)."),
            ("import os; os.abort()", "it ended before it was done (exit code 139)."),
        ],
    )
    def test_an_end_before_its_time_is_no_success(self, code, told):
        assert refused(code).endswith(told)

    @pytest.mark.parametrize(
        "line", ["spam", "{}", '["report", -1]', '["report", 5]', '["a", 1e3]', "[" * 9999]
    )
    def test_nonsense_in_the_pipe_is_refused(self, line):
        code = (
            "import gc, io\n"
            "for found in gc.get_objects():\n"
            "    if isinstance(found, io.BufferedWriter): found.write(line.encode()); found.flush()"
        )
        said = refused(code, most=4, job={"line": f"{line}\n"})
        assert said.endswith("it told something that is no message.")

    def test_bytes_behind_a_message_arrive(self):
        assert ran("tell('report', 1, content=b'ab\\n')", most=3) == [
            Message("report", [1], b"ab\n")
        ]


@permitted
def test_what_it_started_ends_with_it():
    code = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0: time.sleep(600)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        "tell('started')\n"
        "time.sleep(600)"
    )
    with running("code_job", {"code": code}) as told:
        assert [next(told).kind, next(told).kind] == ["confined", "started"]
        assert num_sleepers() == 2
    deadline = time.monotonic() + 5
    while num_sleepers() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert num_sleepers() == 0


def num_sleepers():
    """Processes of our jobs that live outside this one's process numbers."""
    found = 0
    for path in Path("/proc").glob("[0-9]*"):
        try:
            numbers = (path / "status").read_text().split("NSpid:")[1].splitlines()[0].split()
            found += len(numbers) > 1 and b"code_job" in (path / "cmdline").read_bytes()
        except (OSError, IndexError):
            continue
    return found
