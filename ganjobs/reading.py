"""A job's health in a few lines, from the API's report of it."""

from typing import Any

# What speaks against a training speaks aloud, what speaks for it does not: a run that nothing is wrong with may still
# have learnt little.
CAVEAT = "No alarm does not mean good samples: judge them with your own eyes."
# How many things to change are named; `ganjobs health` names all.
NAMED_ADVICE = 2


def headline(report: dict[str, Any]) -> str:
    """A verdict and what it means, on one line."""
    since = f" since step {report['since_step']:,}" if report["since_step"] > 1 else ""
    return f"{report['verdict']}{since} ({report['severity']}): {report['sentence']}"


def reading(report: dict[str, Any]) -> list[str]:
    """The verdict on a job, what to change where it is a bad one, and a caveat where it is not, as lines to print."""
    advice = report["advice"][:NAMED_ADVICE] if report["severity"] != "ok" else []
    said = [headline(report), *(f"change {each['field']}: {each['text']}" for each in advice)]
    if report["severity"] == "ok":
        said.append(CAVEAT)
    return [f"{'' if index else 'health':<10} {line}" for index, line in enumerate(said)]
