"""Make the README's pictures of a real model from what was measured; `make pictures` runs this."""

import io
import json
import shutil
from pathlib import Path

from rich.console import Console

from hubmaxact.rendering.terminal import show

CLONE = Path(__file__).parents[1]
MEASURED = CLONE / "build" / "real" / "gemma3"
PICTURES = CLONE / "docs" / "pictures"

# rich's own template loads fonts from a foreign host; a README's picture must not.
TEMPLATE = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
<rect fill="#1b1f24" width="{width}" height="{height}" rx="8"/>
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def main() -> None:
    """Write docs/pictures/terminal.svg and docs/pictures/layers.svg."""
    report = json.loads((MEASURED / "activation_maxima.json").read_text("utf-8"))
    console = Console(record=True, width=84, file=io.StringIO(), force_terminal=True)
    show(report, console)
    PICTURES.mkdir(parents=True, exist_ok=True)
    svg = console.export_svg(title="", code_format=TEMPLATE, unique_id="hubmaxact")
    (PICTURES / "terminal.svg").write_text(svg, encoding="utf-8", newline="\n")
    shutil.copy(MEASURED / "activation_maxima" / "layers.svg", PICTURES / "layers.svg")


if __name__ == "__main__":
    main()
