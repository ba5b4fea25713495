"""Tables of the published comparison: what was measured, beside what was published."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

Result = Mapping[str, Any]

# Modes and percentage of high quality, of ring and grid (Srivastava et al. 2017, table 1; Lin et al. 2018, table 1).
PUBLISHED_MIXTURES = {
    ("non_saturating", "ring"): "1.0, 99.3 (VEEGAN's table); 6.3, 98.2 (PacGAN's)",
    ("non_saturating", "grid"): "3.3, 0.5 (VEEGAN's table); 17.3, 94.8 (PacGAN's)",
    ("pacgan4", "ring"): "7.8, 95.9 (PacGAN's table)",
    ("pacgan4", "grid"): "24.8, 93.6 (PacGAN's table)",
    ("relativistic_r1_r2", "grid"): "25, about 10 (a public course's chapter)",
}
MODES = {"ring": 8, "grid": 25}


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def mixtures(results: Mapping[tuple[str, str], Mapping[int, Result]]) -> str:
    """One row for each recipe and data set, of the results of its seeds."""
    head = ["data", "recipe", "steps", "seeds", "modes", "high quality %", "reverse KL", "JSD (its bias)", "published"]
    rows = []
    for (dataset, recipe), seeds in results.items():
        values = [result["values"] for result in seeds.values()]
        rows.append(
            [
                f"{dataset}, {MODES[dataset]}",
                recipe,
                f"{next(iter(seeds.values()))['spec']['steps']:,}",
                listed(list(seeds), "{}"),
                listed(column(values, "modes_covered"), "{:.0f}"),
                listed([100 * value for value in column(values, "high_quality_share")], "{:.1f}"),
                listed(column(values, "reverse_kl"), "{:.3f}"),
                f"{mean(column(values, 'jensen_shannon_divergence'), '{:.3f}')} "
                f"({mean(column(values, 'jensen_shannon_bias'), '{:.3f}')})",
                PUBLISHED_MIXTURES.get((recipe, dataset), "-"),
            ]
        )
    return markdown(head, rows)


def images(results: Mapping[str, Mapping[int, Result]]) -> str:
    """One row for each recipe, of the results of its seeds."""
    head = [
        "recipe",
        "steps",
        "seeds",
        "FID by digits classifier",
        "precision",
        "recall",
        "classes of 10",
        "smallest to largest class %",
        "labels confirmed %",
    ]
    rows = []
    for recipe, seeds in results.items():
        values = [result["values"] for result in seeds.values()]
        shares = [
            f"{100 * each.get('smallest_class_share', float('nan')):.1f}-{100 * each.get('largest_class_share', 0):.1f}"
            for each in values
        ]
        rows.append(
            [
                recipe,
                f"{next(iter(seeds.values()))['spec']['steps']:,}",
                listed(list(seeds), "{}"),
                listed(column(values, "fid_digits_classifier"), "{:.2f}"),
                listed(column(values, "precision_digits_classifier"), "{:.2f}"),
                listed(column(values, "recall_digits_classifier"), "{:.2f}"),
                listed(column(values, "classes_covered"), "{:.0f}"),
                "; ".join(shares),
                listed([100 * value for value in column(values, "label_agreement")], "{:.1f}") or "-",
            ]
        )
    return markdown(head, rows)


def column(values: Sequence[Mapping[str, float]], name: str) -> list[float]:
    """One number of each run that has it."""
    return [each[name] for each in values if each.get(name) is not None]


def listed(values: Sequence[float], form: str) -> str:
    return ", ".join(form.format(value) for value in values)


def mean(values: Sequence[float], form: str) -> str:
    return form.format(fmean(values)) if values else "-"
