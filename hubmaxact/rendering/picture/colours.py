"""Colours and type of the pictures: one palette for light, one for dark.

Every element carries its light look in attributes, which any renderer understands; a style sheet
with nothing but the dark colours goes before them where the reader's scheme is known to be dark.
Blue, vermilion and green keep apart for colour-blind readers (after Okabe and Ito 2008), darkened
or lightened until text in them reaches WCAG AA (4.5:1) on its ground; a test computes it.
"""

from collections.abc import Collection, Iterator, Sequence

LIGHT = {
    "ground": "#ffffff",
    "edge": "#d0d7de",
    "ink": "#1f2328",
    "soft": "#59636e",
    "grid": "#eaeef2",
    "beyond": "#fff1f0",
    "hidden_state": "#0550ae",
    "attention_output": "#0f766e",
    "mlp_output": "#b45309",
}
DARK = {
    "ground": "#0d1117",
    "edge": "#30363d",
    "ink": "#f0f6fc",
    "soft": "#9198a1",
    "grid": "#21262d",
    "beyond": "#2a1517",
    "hidden_state": "#79c0ff",
    "attention_output": "#5eead4",
    "mlp_output": "#fbbf24",
}
SERIES = ("hidden_state", "attention_output", "mlp_output")
LIKE = {
    "mid_residual": "hidden_state",
    "key": "hidden_state",
    "value": "mlp_output",
    "all_tokens": "hidden_state",
    "after_first_token": "mlp_output",
    "integer": "hidden_state",
    "float8": "attention_output",
    "float4": "mlp_output",
}
"""Series of other pictures, and whose colours they have."""

FONT = "-apple-system,BlinkMacSystemFont,'Segoe UI',Helvetica,Arial,sans-serif"

OF_ROLE = "the colour of the role"

Look = dict[str, str]
LOOKS: dict[str, Look] = {
    "ground": {"fill": "ground", "stroke": "edge"},
    "title": {"fill": "ink", "font-size": "17", "font-weight": "600"},
    "note": {"fill": "soft"},
    "tick": {"fill": "soft", "font-size": "12"},
    "end": {"text-anchor": "end"},
    "mid": {"text-anchor": "middle"},
    "grid": {"stroke": "grid"},
    "axis": {"stroke": "edge"},
    "limit": {"stroke": "soft", "stroke-dasharray": "5 4"},
    "limit-name": {"fill": "soft", "font-size": "12"},
    "beyond": {"fill": "beyond"},
    "line": {
        "fill": "none",
        "stroke": OF_ROLE,
        "stroke-width": "1.5",
        "stroke-linejoin": "round",
    },
    "heavy": {"stroke-width": "2.5"},
    "between": {"stroke-dasharray": "4 3"},
    "dot": {"fill": OF_ROLE},
    "name": {"fill": OF_ROLE, "font-weight": "600"},
    "bar": {"fill": OF_ROLE},
    "worst": {"fill": "ink", "stroke": "ground", "stroke-width": "1.5"},
    "reach": {"stroke": "soft", "stroke-width": "1"},
    "label": {"fill": "ink"},
    "caption": {"fill": "ink", "font-weight": "600"},
    "inferred": {"fill": "none", "stroke": OF_ROLE, "stroke-width": "2", "stroke-dasharray": "3 3"},
    "lead": {"fill": "none", "stroke": "edge"},
    "end-mark": {"fill": "soft"},
    "ring": {"fill": "none", "stroke": "ink", "stroke-width": "1.5"},
    "peak": {"fill": "ink", "font-size": "14", "font-weight": "600"},
    "halo": {
        "fill": "none",
        "stroke": "ground",
        "stroke-width": "4",
        "stroke-linejoin": "round",
        "font-size": "14",
        "font-weight": "600",
    },
    "where": {"fill": "soft", "font-weight": "400"},
    "faint": {"font-weight": "400"},
}
"""What each class looks like; a colour is named as in the palettes."""


def look(classes: str, role: str | None = None) -> str:
    """Return the attributes of an element of these classes, which are one word or several."""
    whole: Look = {}
    for name in classes.split():
        whole |= LOOKS[name]
    named = " ".join(filter(None, (classes, role)))
    painted = {key: _colour(value, role, LIGHT) for key, value in whole.items()}
    return f'class="{named}"' + "".join(f' {key}="{value}"' for key, value in painted.items())


def _colour(value: str, role: str | None, palette: dict[str, str]) -> str:
    name = LIKE.get(role, role) if role and value == OF_ROLE else value
    return palette.get(name, name)


def _dark(series: Sequence[str], names: Collection[str]) -> Iterator[str]:
    for name, whole in LOOKS.items():
        for role in series if OF_ROLE in whole.values() else (None,):
            colours = {key: (value, _colour(value, role, DARK)) for key, value in whole.items()}
            body = ";".join(f"{key}:{new}" for key, (old, new) in colours.items() if new != old)
            if body and name in names:
                yield f".{name}{f'.{role}' if role else ''}{{{body}}}"


def style(series: Sequence[str], names: Collection[str] = LOOKS) -> str:
    """Return the style sheet of a picture, on one line.

    Args:
        series: What it draws in colours of their own.
        names: Classes that it uses.

    Returns:
        Nothing but the dark colours.
    """
    return f"@media(prefers-color-scheme:dark){{{''.join(_dark(series, names))}}}"


TYPE = f'font-family="{FONT}" font-size="13"'
"""Attributes of the whole picture."""
