"""What a labelled set says of a diagnosis: the confusion matrix, precision and recall, false alarms, delays."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmarks.health_truth import FAILURES, KINDS, Kind, Truth
from benchmarks.published_tables import markdown
from models.verdicts import Report, Verdict

Form = Literal["text", "markdown"]
# What each verdict takes a run for, where it is an alarm; everything else takes it for good.
CLASSES: dict[Verdict, Kind] = {
    Verdict.MODE_COLLAPSE: "collapsed",
    Verdict.PARTIAL_MODE_COLLAPSE: "collapsed",
    Verdict.GENERATOR_GRADIENT_VANISHING: "vanishing",
    Verdict.STALLED: "vanishing",
    Verdict.DISCRIMINATOR_TOO_WEAK: "collapsed",
    Verdict.DIVERGING: "diverging",
    Verdict.NON_FINITE: "diverging",
    Verdict.OSCILLATING: "oscillating",
}


@dataclass(frozen=True)
class Said:
    """What was said of a run after ``step``: its class, whether it is an alarm, and in which ``words``."""

    step: int
    kind: Kind
    is_alarm: bool
    words: str


@dataclass(frozen=True)
class Judged:
    """A run of ``total_steps`` with its label, and all that was said of it, in order."""

    name: str
    total_steps: int
    truth: Truth
    said: tuple[Said, ...]

    @property
    def verdict(self) -> Kind:
        return self.said[-1].kind

    @property
    def alarms(self) -> tuple[Said, ...]:
        return tuple(said for said in self.said if said.is_alarm)

    @property
    def delay(self) -> float | None:
        """From the onset to the next alarm, as a part of the run; 0 where one was in force, infinite where none came.
        ``None`` where nothing had an onset."""
        onset = self.truth.onset
        if onset is None:
            return None
        if any(said.is_alarm for said in self.said[:-1] if said.step <= onset) and _in_force(self.said, onset):
            return 0.0
        after = [said.step for said in self.alarms if said.step >= onset]
        return (after[0] - onset) / self.total_steps if after else float("inf")


def _in_force(said: Sequence[Said], step: int) -> bool:
    earlier = [each for each in said if each.step <= step]
    return bool(earlier) and earlier[-1].is_alarm


def said_by(reports: Iterable[Report]) -> tuple[Said, ...]:
    """Reports as classes: a verdict takes a run for a failure only where it is an alarm."""
    return tuple(
        Said(report.step, CLASSES[report.verdict], True, report.verdict)
        if report.severity == "alarm"
        else Said(report.step, "good", False, report.verdict)
        for report in reports
    )


def balanced_accuracy(judged: Sequence[Judged]) -> float:
    """Mean over the labels that there are, ``between`` apart, of the share of their runs that were taken for them."""
    recalls = [_recall(judged, kind) for kind in KINDS if any(run.truth.kind == kind for run in judged)]
    return float(np.mean(recalls)) if recalls else float("nan")


def _recall(judged: Sequence[Judged], kind: Kind) -> float:
    return _share(run.verdict == kind for run in judged if run.truth.kind == kind)


def _share(hits: Iterable[bool]) -> float:
    found = list(hits)
    return sum(found) / len(found) if found else float("nan")


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """The lower quartile, the median and the upper quartile, each one of the values; so infinite ones do no harm."""
    found = np.quantile(values, [0.25, 0.5, 0.75], method="higher") if values else [float("nan")] * 3
    return float(found[0]), float(found[1]), float(found[2])


def told(title: str, judged: Sequence[Judged], form: Form) -> str:
    """Everything about one judge, for a reader."""
    scored = [run for run in judged if run.truth.kind != "between"]
    good = [run for run in scored if run.truth.kind == "good"]
    failing = [run for run in scored if run.truth.kind != "good"]
    alarmed = [run for run in good if run.alarms]
    delays = [run.delay for run in failing if run.delay is not None]
    low, middle, high = quartiles(delays)
    lines = [
        f"{title}: {len(scored)} runs, and {len(judged) - len(scored)} between the labels",
        "",
        table(form, ["label \\ said", *KINDS, "recall", "precision"], _matrix(scored)),
        "",
        f"Balanced accuracy: {balanced_accuracy(scored):.3f}",
        f"Good runs with any alarm: {len(alarmed)} of {len(good)}{_named(alarmed)}",
        f"Good runs that end with one: {sum(run.verdict != 'good' for run in good)} of {len(good)}",
        f"Failing runs without any alarm: {sum(not run.alarms for run in failing)} of {len(failing)}",
        f"From onset to alarm, part of the run: median {middle:.1%}, quartiles {low:.1%} to {high:.1%}",
        "By label: " + "; ".join(f"{kind} {_delay_of(scored, kind)}" for kind in FAILURES),
    ]
    return "\n".join(lines)


def _delay_of(judged: Sequence[Judged], kind: Kind) -> str:
    delays = [run.delay for run in judged if run.truth.kind == kind and run.delay is not None]
    return f"{quartiles(delays)[1]:.1%}" if delays else "-"


def _matrix(judged: Sequence[Judged]) -> list[list[str]]:
    rows = []
    for kind in KINDS:
        said = Counter(run.verdict for run in judged if run.truth.kind == kind)
        precision = _share(run.truth.kind == kind for run in judged if run.verdict == kind)
        rows.append([kind, *(str(said[each]) for each in KINDS), f"{_recall(judged, kind):.2f}", f"{precision:.2f}"])
    return rows


def verdicts_told(judged: Sequence[Judged], form: Form) -> str:
    """Of each verdict at the end of a run: what the runs really were, and how many of its label it found."""
    scored = [run for run in judged if run.truth.kind != "between"]
    rows = []
    for words in dict.fromkeys(run.said[-1].words for run in sorted(scored, key=lambda run: run.said[-1].words)):
        runs = [run for run in scored if run.said[-1].words == words]
        taken_for = runs[0].verdict
        of_label = [run for run in scored if run.truth.kind == taken_for]
        right = sum(run.truth.kind == taken_for for run in runs)
        really = Counter(run.truth.kind for run in runs)
        rows.append(
            [
                words,
                taken_for,
                str(len(runs)),
                f"{right / len(runs):.2f}",
                f"{right / len(of_label):.2f}" if of_label else "-",
                ", ".join(f"{count} {kind}" for kind, count in really.most_common()),
            ]
        )
    return table(form, ["verdict at the end", "taken for", "runs", "precision", "recall", "really"], rows)


def wrong_ones(judged: Sequence[Judged], form: Form) -> str:
    """The runs that were taken for what they are not, and the good ones with an alarm on the way."""
    rows = [
        [
            run.name,
            run.truth.kind,
            "-" if run.truth.onset is None else str(run.truth.onset),
            run.said[-1].words,
            ", ".join(f"{words} from {step}" for words, step in _changes(run)),
        ]
        for run in judged
        if run.verdict != run.truth.kind or (run.truth.kind == "good" and run.alarms)
    ]
    return table(form, ["run", "label", "onset", "at the end", "all that was said"], rows) if rows else "None."


def _changes(run: Judged) -> list[tuple[str, int]]:
    pairs = zip((None, *run.said), run.said, strict=False)
    return [(now.words, now.step) for before, now in pairs if before is None or before.words != now.words]


def _named(runs: Sequence[Judged]) -> str:
    return f" ({', '.join(run.name for run in runs)})" if runs else ""


def counts_told(labels: Mapping[str, Sequence[Kind]]) -> str:
    """How many runs of each label, in each half."""
    return "\n".join(
        f"{half}: {len(kinds)} runs: " + ", ".join(f"{count} {kind}" for kind, count in Counter(kinds).most_common())
        for half, kinds in labels.items()
    )


def table(form: Form, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, or with its columns lined up."""
    if form == "markdown":
        return markdown(head, rows)
    widths = [max(len(line[column]) for line in [head, *rows]) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in [head, *rows]
    )
