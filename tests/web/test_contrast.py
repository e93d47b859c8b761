"""Contrast: at least 4.5 to 1 for the pairs of colours that stand on each other, light and dark (WCAG 2.2, 1.4.3)."""

import re
from pathlib import Path

import pytest

CSS = Path(__file__).parents[2] / "src" / "metier" / "web" / "static" / "css" / "tokens.css"
PAIRS = [
    ("tx", "bg"), ("tx", "bg2"), ("tx", "bg3"), ("tx", "acbg"),
    ("tx2", "bg"), ("tx2", "bg2"), ("tx2", "bg3"),
    ("tx3", "bg"), ("tx3", "bg2"),
    ("ac", "bg"), ("ac", "bg2"), ("ac", "acbg"), ("act", "ac"),
    ("ok", "okbg"), ("warn", "warnbg"), ("bad", "badbg"), ("info", "infobg"),
    ("ok", "bg"), ("bad", "bg"), ("bg", "tx"),
]  # fmt: skip


def themes() -> dict[str, dict[str, str]]:
    """Read the colours of both themes: `{"light": {"bg": "#fff", …}, "dark": {…}}`."""
    light, dark = re.findall(r"\{([^}]*)\}", CSS.read_text())
    read = [dict(re.findall(r"--(\w+):\s*(#\w{3,6})\b", block)) for block in (light, dark)]
    return {"light": read[0], "dark": read[0] | read[1]}


def luminance(color: str) -> float:
    """Give the relative luminance of `#rgb` or `#rrggbb` (WCAG 2.2)."""
    digits = color[1:] if len(color) == 7 else "".join(d * 2 for d in color[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(first: str, second: str) -> float:
    """Give the contrast of two colours, 1 to 21."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_the_measure_is_right():
    assert round(contrast("#000", "#ffffff"), 1) == 21.0
    assert round(contrast("#777", "#fff"), 2) == 4.48


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read(theme: str):
    colors = themes()[theme]
    weak = {pair: ratio for pair in PAIRS if (ratio := round(contrast(colors[pair[0]], colors[pair[1]]), 2)) < 4.5}

    assert len(PAIRS) == 20
    assert weak == {}
