"""The evaluation as one HTML page that needs nothing else: no script, no font, no image from elsewhere."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import Environment

from detectors.evaluation import Caught, Evaluation

_WIDTH, _ROW, _LABEL = 720, 26, 250


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}"


def _brief(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


def bars(caught: list[Caught]) -> list[dict[str, float | str]]:
    """Return, for the drawing, a bar for each kind: at any severity, at high and above, and the interval, in pixels."""
    scale = _WIDTH - _LABEL - 95
    return [
        {
            "name": one.name,
            "y": k * _ROW,
            "any": one.recall * scale,
            "high": one.recall_high * scale,
            "low_end": _LABEL + one.low * scale,
            "high_end": _LABEL + one.high_end * scale,
            "text": f"{one.recall:.0%} of {one.declarations:,}",
        }
        for k, one in enumerate(caught)
    ]


def page(evaluation: Evaluation, title: str = "Evaluation") -> str:
    """Return the page. All texts are escaped."""
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"percent": _percent, "number": _number, "brief": _brief}
    source = (files("detectors") / "_evaluation_html.j2").read_text(encoding="utf-8")
    return environment.from_string(source).render(
        e=evaluation,
        title=title,
        charts=[
            ("Recall by scenario", bars(evaluation.scenarios)),
            ("Recall by typology", bars(evaluation.typologies)),
        ],
        width=_WIDTH,
        row=_ROW,
        label=_LABEL,
    )
