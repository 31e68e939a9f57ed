"""Colours and type of the picture: one palette for light, one for dark.

Blue, vermilion and green keep apart for colour-blind readers (after Okabe and Ito 2008), darkened
or lightened until text in them reaches WCAG AA (4.5:1) on its ground; a test computes it.
"""

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
FONT = "-apple-system,BlinkMacSystemFont,'Segoe UI',Helvetica,Arial,sans-serif"


def _variables(palette: dict[str, str]) -> str:
    return "".join(f"--{name}:{colour};" for name, colour in palette.items())


def _series(role: str) -> str:
    return (
        f".line.{role}{{stroke:var(--{role})}}"
        f".dot.{role}{{fill:var(--{role})}}"
        f".name.{role}{{fill:var(--{role})}}"
    )


STYLE = (
    f"svg{{{_variables(LIGHT)}font:13px {FONT}}}"
    f"@media(prefers-color-scheme:dark){{svg{{{_variables(DARK)}}}}}"
    ".ground{fill:var(--ground);stroke:var(--edge)}"
    "text{fill:var(--ink)}"
    ".title{font-size:17px;font-weight:600}"
    ".note,.tick{fill:var(--soft)}.tick{font-size:12px}"
    ".power{font-size:9px}.end{text-anchor:end}.mid{text-anchor:middle}"
    ".grid{stroke:var(--grid)}.axis{stroke:var(--edge)}"
    ".limit{stroke:var(--soft);stroke-dasharray:5 4}.limit-name{fill:var(--soft);font-size:12px}"
    ".beyond{fill:var(--beyond)}"
    ".line{fill:none;stroke-width:1.5;stroke-linejoin:round}.line.hidden_state{stroke-width:2.5}"
    ".name{font-weight:600}"
    f"{''.join(map(_series, SERIES))}"
    ".lead{fill:none;stroke:var(--edge)}"
    ".end-mark{fill:var(--soft)}"
    ".ring{fill:none;stroke:var(--ink);stroke-width:1.5}"
    ".peak{font-size:14px;font-weight:600;paint-order:stroke;stroke:var(--ground);stroke-width:4px;"
    "stroke-linejoin:round}"
    ".where{font-weight:400;fill:var(--soft)}"
)
"""The style sheet, on one line."""
