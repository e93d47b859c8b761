"""Bars as SVG, drawn by the server: their lengths are attributes, so no style is needed. Pure."""

from collections.abc import Sequence

from markupsafe import Markup

HEIGHT = 120  # units of the drawing, which is stretched to its box
GAP = 0.25  # of a bar's room


def columns(values: Sequence[float], titles: Sequence[str], label: str) -> Markup:
    """Draw a column for each value, the largest as high as the drawing.

    Args:
        titles: What is said of each when pointed at.
        label: What the drawing is, for who does not see it; the numbers belong into a table beside it.
    """
    most = max(values, default=0) or 1
    bars = Markup("").join(
        Markup('<rect x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>').format(
            f"{place + GAP / 2:.3f}", f"{HEIGHT - height:.2f}", 1 - GAP, f"{height:.2f}", title
        )
        for place, (value, title) in enumerate(zip(values, titles, strict=True))
        for height in [max(value / most * HEIGHT, 1.5 if value else 0)]
    )
    return Markup(
        '<svg class="columns" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
    ).format(max(len(values), 1), HEIGHT, label, bars)


def share(part: float, label: str) -> Markup:
    """Draw how much of something is used, 0-1; more is drawn as all."""
    return Markup(
        '<svg class="share" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="all" width="100" height="6"/><rect class="part" width="{}" height="6"/></svg>'
    ).format(label, f"{min(max(part, 0.0), 1.0) * 100:.2f}")
