"""What the documentation shows of a job's health."""

from typing import Any

from api.examples import JOB_ID, page

HEALTH: dict[str, Any] = {
    "object": "job.health",
    "job_id": JOB_ID,
    "segment": 0,
    "step": 500,
    "verdict": "mode_collapse",
    "severity": "alarm",
    "confidence": 0.8,
    "since_step": 300,
    "sentence": "Since step 300 the generator has made only a small part of what there is in the data.",
    "evidence": [
        {
            "signal": "effective_rank_ratio",
            "value": 0.12,
            "threshold": 0.3,
            "reference": 0.95,
            "first_step": 401,
            "last_step": 500,
        }
    ],
    "advice": [
        {
            "field": "regularizers",
            "text": "Add R1: it keeps the discriminator from chasing a generator that jumps from mode to mode.",
            "source": "Mescheder et al. 2018",
        }
    ],
}
_CHANGE = {name: HEALTH[name] for name in ("step", "verdict", "severity", "since_step", "confidence")}
HEALTH_CHANGED = {
    "id": 19,
    "object": "event",
    "kind": "health.changed",
    "level": "error",
    "message": f"mode_collapse since step 300: {HEALTH['sentence']}",
    "data": _CHANGE | {"previous": "balanced"},
    "created_at": "2026-11-20T12:00:06.350000Z",
}
HEALTH_HISTORY = page(
    {
        "object": "health.interval",
        "from_step": 100,
        "to_step": 400,
        "verdict": "balanced",
        "severity": "ok",
        "confidence": 0.9,
        "sentence": "Both networks still learn from each other.",
        "segment": 0,
    },
    {
        "object": "health.interval",
        "from_step": 500,
        "to_step": 500,
        **{name: HEALTH[name] for name in ("verdict", "severity", "confidence", "sentence", "segment")},
    },
)
HEALTH_READINGS = page(
    {
        "object": "health.reading",
        "step": 500,
        "segment": 0,
        "verdict": "mode_collapse",
        "reading": {
            "window": [401, 500],
            "metrics": {"d_loss": [1.31, 0.05, 1.2, 1.44, 1.31, -0.01]},
            "statistics": {"effective_rank_ratio": 0.12, "duplicates": None},
            "shares": [0.9, 0.1],
            "fixed_shares": [1.0, 0.0],
        },
    }
)
SEGMENTS = page(
    {
        "object": "segment",
        "number": 1,
        "after_step": 200,
        "last_step": 700,
        "verdict": "mode_collapse",
        "report": HEALTH | {"segment": 1, "step": 700},
        "remedy": {"kind": "lower_learning_rate", "factor": 0.3, "player": "both"},
        "remedy_text": "both learning rates times 0.3",
        "spec_patch": {
            "discriminator.optimizer.learning_rate": 6e-05,
            "generator.optimizer.learning_rate": 6e-05,
        },
        "stream": 0,
        "created_at": "2026-11-20T12:00:05.900000Z",
    }
)
