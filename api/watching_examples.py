"""What the documentation shows of lists in brief, of curves and of the steps that were drawn."""

from typing import Any

from api.examples import CURVE, EQUILIBRIUM, JOB_ID, WORKER_ID

SUMMARY: dict[str, Any] = {
    "id": JOB_ID,
    "object": "job_summary",
    "name": "digits",
    "status": "running",
    "status_reason": None,
    "verdict": "balanced",
    "severity": "ok",
    "step": 1000,
    "steps": 4000,
    "progress": 0.25,
    "start_step": 0,
    "steps_per_second": 120.0,
    "estimated_seconds_left": 25.0,
    "dataset": "digits",
    "loss": "non_saturating",
    "metadata": {"project": "thesis"},
    "d_loss": 1.31,
    "g_loss": 0.78,
    "equilibrium": EQUILIBRIUM,
    "newest_sample": 1000,
    "priority": 0,
    "attempt": 1,
    "worker_id": WORKER_ID,
    "rollbacks": 0,
    "origin": None,
    "created_at": "2026-11-01T12:00:00Z",
    "started_at": "2026-11-01T12:00:01Z",
    "finished_at": None,
    "changed_at": "2026-11-01T12:00:10Z",
}
SUMMARIES = {"object": "list", "data": [SUMMARY], "has_more": False, "now": "2026-11-01T12:00:11Z"}
CURVES = {"object": "list", "data": [CURVE], "has_more": False}
SAMPLE_STEPS = {
    "object": "sample_steps",
    "job_id": JOB_ID,
    "segment": 0,
    "steps": [0, 500, 1000],
    "width": 512,
    "height": 512,
}
