"""The few GitHub expressions that this project's files use; any other is an error."""

import re

NAME = r"[A-Za-z_][\w-]*"
PATH = rf"{NAME}(?:\.{NAME})+"
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
COMPARISON = re.compile(rf"({PATH}) (==|!=) '([^']*)'")


class UnknownExpressionError(Exception):
    """Raised for what is not known here, so that nothing passes by not being understood."""


def filled(value, contexts):
    """A value with its expressions evaluated, as text; the runner's values are all text."""
    if isinstance(value, bool):
        return str(value).lower()
    return EXPRESSION.sub(lambda found: look_up(found[1], contexts), str(value))


def look_up(path, contexts):
    """The value at `inputs.x`, `steps.y.outputs.z`, ...; unset ones are empty."""
    if not re.fullmatch(PATH, path):
        raise UnknownExpressionError(path)
    found = contexts
    for name in path.split("."):
        if name not in found:
            raise UnknownExpressionError(path)
        found = found[name]
    return found or ""


def holds(condition, contexts):
    """Whether an `if:` made of comparisons with `||` between them is true."""
    return any(_compare(each, contexts) for each in condition.split(" || "))


def _compare(comparison, contexts):
    parts = COMPARISON.fullmatch(comparison)
    if parts is None:
        raise UnknownExpressionError(comparison)
    path, operator, wanted = parts.groups()
    return (look_up(path, contexts) == wanted) == (operator == "==")
