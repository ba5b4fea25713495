"""What a notebook shows: HTML with styles of its own, no scripts and nothing to load, in the notebook's colours."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import Any

from ganjobs.answers import Answer
from ganjobs.jobinfo import JobInfo
from ganjobs.progress import number, readings
from ganjobs.results import HealthReport
from ganjobs.text import duration
from ganjobs.types import JobStatus, Severity

STATUS_COLOURS = {
    JobStatus.QUEUED: "#0e7490",
    JobStatus.RUNNING: "#2563eb",
    JobStatus.PAUSING: "#9333ea",
    JobStatus.PAUSED: "#9333ea",
    JobStatus.CANCELLING: "#b45309",
    JobStatus.CANCELLED: "#b45309",
    JobStatus.SUCCEEDED: "#15803d",
    JobStatus.FAILED: "#b91c1c",
}
SEVERITY_COLOURS = {Severity.OK: "#15803d", Severity.CAUTION: "#b45309", Severity.ALARM: "#b91c1c"}
CELL = "padding:.15em .8em .15em 0;text-align:left;vertical-align:top"
PICTURE = "image-rendering:pixelated;max-width:12em;max-height:12em"
# Shrinks before the picture beside it is moved below.
FACTS = "flex:0 1 32em;min-width:16em"
# Rows of a list that are shown, and pictures.
MOST_ROWS = 50
MOST_PICTURES = 8


def job(info: JobInfo, report: HealthReport | None = None, png: bytes | None = None) -> str:
    """A job: status, progress, losses beside their values at equilibrium, verdict with its sentence, newest sample."""
    name = f" {escape(info.name)}" if info.name else ""
    head = f"<b>{_status(info.status)}{name}</b> <code>{escape(info.id)}</code>"
    parts = [head, _bar(info)]
    if info.reason and info.status in (JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.PAUSED):
        parts.append(escape(info.reason))
    if rows := [(*row[:2], f"{row[2]} at equilibrium" if row[2] else "") for row in readings(info)]:
        parts.append(_table((), [[escape(cell) for cell in row] for row in rows]))
    if info.verdict and info.severity:
        sentence = f": {escape(report.sentence)}" if report else ""
        parts.append(_badge(info.verdict, SEVERITY_COLOURS[info.severity]) + sentence)
    said = "".join(f'<div style="margin:.3em 0">{part}</div>' for part in parts)
    picture = f"<div>{_image(png, f'newest sample of {info.id}')}</div>" if png else ""
    return f'<div style="display:flex;gap:1.5em;flex-wrap:wrap"><div style="{FACTS}">{said}</div>{picture}</div>'


def notice(said: str) -> str:
    """What is the matter with the connection."""
    return f'<div style="margin:.3em 0;color:#b45309">{escape(said)}</div>'


def jobs(found: Sequence[JobInfo], more: bool) -> str:
    """A line for each job."""
    rows = [
        [
            f"<code>{escape(each.id)}</code>",
            escape(each.name or ""),
            _status(each.status),
            f"{each.step:,} / {each.steps:,}",
            _badge(each.verdict, SEVERITY_COLOURS[each.severity]) if each.verdict and each.severity else "",
            *(escape(number((each.latest_metrics or {}).get(key))) for key in ("d_loss", "g_loss")),
            _time(each.created_at),
        ]
        for each in found
    ]
    titles = ("id", "name", "status", "step", "verdict", "D loss", "G loss", "created (UTC)")
    return _table(titles, rows) + ("<div>… and more</div>" if more else "")


def health(report: HealthReport) -> str:
    """A verdict with its evidence and advice."""
    sure = f"{100 * report.confidence:.0f} % sure, since step {report.since_step:,}, at step {report.step:,}"
    head = f"<b>{_badge(report.verdict, SEVERITY_COLOURS[report.severity])}</b> {escape(report.sentence)}"
    evidence = [
        [
            f"<code>{escape(each.signal)}</code>",
            *(number(value) for value in (each.value, each.threshold, each.reference)),
            f"{each.first_step:,} to {each.last_step:,}",
        ]
        for each in report.evidence
    ]
    advice = [
        f"<code>{escape(each.field)}</code>: {escape(each.text)} ({escape(each.source)})" for each in report.advice
    ]
    shown = [f'<div style="margin:.3em 0">{head}<br>{sure}</div>']
    if evidence:
        shown.append(_table(("evidence", "value", "threshold", "reference", "steps"), evidence))
    if advice:
        shown.append("<div>What to change:</div><ol>" + "".join(f"<li>{each}</li>" for each in advice) + "</ol>")
    return f"<div>{''.join(shown)}</div>"


def answers(found: Sequence[Answer]) -> str:
    """A line for each of what the API listed, with its plain fields."""
    if not found:
        return "<div>none</div>"
    names = list(type(found[0]).model_fields)
    rows = [[_cell(getattr(each, name)) for name in names] for each in found[:MOST_ROWS]]
    more = f"<div>… and {len(found) - MOST_ROWS} more</div>" if len(found) > MOST_ROWS else ""
    return _table(names, rows) + more


def pictures(found: Iterable[tuple[int, bytes]]) -> str:
    """Samples side by side, by step."""
    shown = "".join(
        f'<figure style="margin:0">{_image(png, f"sample of step {step}")}'
        f"<figcaption>step {step:,}</figcaption></figure>"
        for step, png in found
    )
    return f'<div style="display:flex;gap:1em;flex-wrap:wrap">{shown}</div>'


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return _time(value)
        case bool():
            return str(value)
        case float():
            return number(value)
        case int():
            return f"{value:,}"
        case Answer():
            return escape(", ".join(f"{name} {_plain(each)}" for name, each in value))
        case dict():
            return escape(", ".join(f"{name} {_plain(each)}" for name, each in value.items()))
        case tuple():
            return ", ".join(escape(str(getattr(each, "name", each))) for each in value)
    return escape(str(value))


def _plain(value: Any) -> str:
    return number(value) if isinstance(value, float) else str(value)


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells are HTML already."""
    head = "".join(f'<th style="{CELL}">{escape(title)}</th>' for title in titles)
    body = "".join("<tr>" + "".join(f'<td style="{CELL}">{cell}</td>' for cell in row) + "</tr>" for row in rows)
    return f"<table>{f'<thead><tr>{head}</tr></thead>' if titles else ''}<tbody>{body}</tbody></table>"


def _status(status: JobStatus) -> str:
    return _badge(status, STATUS_COLOURS[status])


def _badge(word: str, colour: str) -> str:
    style = f"background:{colour};color:#fff;border-radius:.3em;padding:.05em .45em;white-space:nowrap"
    return f'<span style="{style}">{escape(word)}</span>'


def _bar(info: JobInfo) -> str:
    percent = 100 * min(1.0, max(0.0, info.progress))
    frame = "width:20em;max-width:100%;height:.7em;border-radius:.35em;overflow:hidden;background:rgba(128,128,128,.3)"
    fill = f"width:{percent:.1f}%;height:100%;background:{STATUS_COLOURS[info.status]}"
    left = info.estimated_seconds_left
    speed = f", {info.steps_per_second:.3g} steps/s" if info.steps_per_second else ""
    rest = f", {duration(left)} left" if left is not None and not info.status.is_resting else ""
    told = f"step {info.step:,} of {info.steps:,} ({percent:.0f} %){speed}{rest}"
    return f'<div style="{frame}"><div style="{fill}"></div></div><div>{told}</div>'


def _image(png: bytes, alt: str) -> str:
    data = b64encode(png).decode()
    return f'<img alt="{escape(alt)}" style="{PICTURE}" src="data:image/png;base64,{data}">'
