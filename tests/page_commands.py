"""The commands that a page of docs/ shows, each read by its own parser."""

import re
import shlex

from hubmaxact.cli.main import Commands

SHELL = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def commands_of(page):
    """Return the words behind `hubmaxact` of every command in a page's shell blocks."""
    return [
        line.removeprefix("hubmaxact ")
        for block in SHELL.findall(page)
        for line in block.replace("\\\n", " ").splitlines()
        if line.startswith("hubmaxact ")
    ]


def parsed(command):
    """Return the values that a command's parser makes of its words; it refuses what it lacks."""
    name, *words = shlex.split(command)
    found = Commands().get_command(None, name)
    with found.make_context(name, words) as context:
        return context.params
