"""Whether this machine permits what confinement needs, asked without asking hubmaxact."""

import subprocess
import sys

ASK = """
import ctypes, os, sys
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # Windows and macOS have no such function
libc = ctypes.CDLL(None)
sys.exit(libc.unshare(0x78020000) or libc.mount(None, b"/", None, 0x44000, None))
"""
PERMITTED = not subprocess.run([sys.executable, "-c", ASK], check=False).returncode
"""Some containers and desktops forbid it; Linux alone has it."""

FORBID = """
import ctypes, os, sys
user = os.getuid()
if ctypes.CDLL(None).unshare(0x10000000) == 0:
    open("/proc/self/uid_map", "w").write(f"0 {user} 1")
    open("/proc/sys/user/max_user_namespaces", "w").write("0")
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
"""Runs Python with what follows where no user namespace can be made, whatever is permitted here."""
