"""Model cards: what a model is, what it learned from, how good it is and where it fails, as JSON and as one page by itself."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
from jinja2 import Environment

from detectors.models.learned import LearnedDetector
from detectors.models.measuring import Ranking, curve, measures
from detectors.models.training import Trained

#: Failure cases of either kind on a card.
_CASES = 10
_INK, _FAINT, _MARK = "#1f3a5f", "#9aa5b1", "#b3472f"
#: What the code of each model may be used for; said on the card because a score is no proof.
USE = (
    "Ranks declarations for a person to look at. A score is no evidence of wrong-doing by itself, and must not decide about a "
    "person or a firm without one."
)


def card(
    trained: Trained, params: Mapping[str, Any], importance: Mapping[str, float], compared: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return the card of a newly trained model, as JSON can carry it.

    Parameters
    ----------
    params : how it was trained. ``importance`` : of feature columns (:func:`detectors.models.training.importance`).
    compared : how it did beside the champion, if there was one.
    """
    detector, ranking = trained.detector, trained.judged.ranking
    return {
        "schema": "model-card/1",
        "name": detector.name,
        "code": detector.code,
        "use": USE,
        "window": trained.window.model_dump(mode="json"),
        "split": "by time of lodgement; nothing from the cut on was learned from, and no label that was decided after it",
        "params": dict(params),
        "described": detector.described(),
        "columns": sorted(detector.columns),
        "measures": measures(ranking, trained.seed),
        "compared": None if compared is None else dict(compared),
        "importance": dict(importance),
        "curve": _curve(ranking),
        "failures": failures(ranking, trained.judged.shown),
        "limits": limits(detector, ranking),
    }


def limits(detector: LearnedDetector, ranking: Ranking) -> list[str]:
    """Return what a reader must know before believing the figures."""
    found = []
    wrong = int(ranking.wrong.sum())
    if not wrong:
        found.append("No declaration of the hold-out is known to be wrong: precision and recall were not measured.")
    elif wrong < 50:
        found.append(f"Only {wrong} declarations of the hold-out are wrong: see the interval before comparing.")
    if len(ranking) and ranking.weights.max() > 1:
        found.append("Inspections were selected: figures are weighted by one through the chance of selection.")
    if np.isnan(ranking.revenue).all():
        found.append("No recovered revenue is known, so its recall was not measured.")
    abstained = float(np.isnan(ranking.scores).mean()) if len(ranking) else 0.0
    if abstained > 0.2:
        found.append(f"{detector.name} abstains on {abstained:.0%} of the declarations; these rank below all others.")
    return found


def _curve(ranking: Ranking) -> list[list[float]]:
    """Return recall and precision, thinned to what a plot can show."""
    if not ranking.wrong.any():
        return []
    _, recall, precision = curve(ranking.scores, ranking.wrong, ranking.weights)
    kept = np.unique(np.linspace(0, len(recall) - 1, 200).round().astype(int))
    return [[round(float(recall[n]), 5), round(float(precision[n]), 5)] for n in kept]


def failures(ranking: Ranking, shown: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
    """Return the honest declarations that rank highest and the wrong ones that rank lowest (abstentions last of all)."""
    ranks = np.where(np.isnan(ranking.scores), -np.inf, ranking.scores)
    order = np.argsort(-ranks, kind="stable")
    honest = [n for n in order if not ranking.wrong[n]][:_CASES]
    missed = [n for n in order[::-1] if ranking.wrong[n]][:_CASES]

    def case(n: int) -> dict[str, Any]:
        score = float(ranking.scores[n])
        return {
            "declaration_id": ranking.ids[n],
            "score": None if np.isnan(score) else score,
            "spoke": bool(ranking.spoke[n]),
            "kinds": list(ranking.kinds[n]),
            "shown": shown.get(ranking.ids[n], ""),
        }

    return {"false_alarms": [case(n) for n in honest], "misses": [case(n) for n in missed]}


def page(found: Mapping[str, Any], version: str) -> str:
    """Return the card as one HTML page: plots inside as SVG, no script, nothing loaded. All texts are escaped."""
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"percent": _percent, "figure": _figure}
    source = (files("detectors.models") / "_card.j2").read_text(encoding="utf-8")
    return environment.from_string(source).render(c=found, version=version, plots=plots(found))


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _figure(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:,.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def plots(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return title and SVG of each plot for which there is something to draw."""
    drawn = []
    measured = found["measures"]
    if found["curve"]:
        drawn.append(("Precision and recall", _precision_recall(found["curve"], measured.get("prevalence") or 0.0)))
    if bins := measured.get("calibration", {}).get("bins"):
        drawn.append(("Calibration: how often a score was right", _calibration(bins, measured["calibration"]["brier"])))
    if measured.get("wrong"):
        drawn.append(("What an inspection of so many finds", _budgets(measured["budgets"])))
    if found["importance"]:
        drawn.append(("Loss of average precision without a column", _importance(found["importance"])))
    return drawn


def _axes(width: float = 4.6, height: float = 3.2) -> tuple[Any, Any]:
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(figure)  # a canvas of its own: no global state, no display
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _svg(figure: Any) -> str:
    from matplotlib import rc_context

    written = io.StringIO()
    with rc_context({"svg.hashsalt": "assay", "svg.fonttype": "none"}):
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    text = written.getvalue()
    return text[text.index("<svg") :]


def _precision_recall(points: Sequence[Sequence[float]], prevalence: float) -> str:
    figure, axes = _axes()
    axes.step([r for r, _ in points], [p for _, p in points], where="post", color=_INK)
    axes.axhline(prevalence, color=_FAINT, linestyle="--", linewidth=1)
    axes.annotate("by chance", (1.0, prevalence), ha="right", va="bottom", color=_FAINT, fontsize=8)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    return _svg(figure)


def _calibration(bins: Sequence[Mapping[str, float]], brier: float | None) -> str:
    figure, axes = _axes()
    axes.plot([b["score"] for b in bins], [b["observed"] for b in bins], marker="o", markersize=4, color=_INK)
    if brier is not None:  # the scores are chances, so the diagonal is where they should lie
        axes.plot([0, 1], [0, 1], color=_FAINT, linestyle="--", linewidth=1)
    axes.set(xlabel="score", ylabel="share that was wrong")
    return _svg(figure)


def _budgets(budgets: Sequence[Mapping[str, float | None]]) -> str:
    figure, axes = _axes()
    shares = [f"{budget['share']:.0%}" for budget in budgets]
    for name, color in (("precision", _INK), ("recall", _MARK), ("revenue_recall", _FAINT)):
        values = [budget[name] for budget in budgets]
        if any(value is not None for value in values):
            axes.plot(shares, values, marker="o", markersize=4, color=color, label=name.replace("_", " "))
    axes.set(xlabel="declarations inspected", ylim=(0, 1.02))
    axes.legend(frameon=False, fontsize=8)
    return _svg(figure)


def _importance(importance: Mapping[str, float]) -> str:
    ranked = sorted(importance.items(), key=lambda pair: -pair[1])[:15][::-1]
    figure, axes = _axes(height=0.8 + 0.22 * len(ranked))
    axes.barh([name for name, _ in ranked], [loss for _, loss in ranked], color=_INK)
    axes.tick_params(axis="y", labelsize=8)
    axes.set(xlabel="loss of average precision")
    return _svg(figure)
