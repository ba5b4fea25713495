"""What the documentation shows, as the service would answer it."""

from dataclasses import asdict
from typing import Any

from models import catalogue
from models.spec import EXAMPLE, JobSpec

JOB_ID = "job_0123456789abcdef01234567"
WORKER_ID = "gpu-host-1:4242"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
SPEC: dict[str, Any] = JobSpec.model_validate(EXAMPLE).model_dump(mode="json")
RING: dict[str, Any] = {
    "name": "eight modes",
    "dataset": {"kind": "ring"},
    "generator": {"kind": "mlp", "latent_dim": 16, "hidden_sizes": [128, 128]},
    "discriminator": {"kind": "mlp", "hidden_sizes": [128, 128]},
    "steps": 5000,
    "batch_size": 256,
}
EQUILIBRIUM = {"d_loss": 1.3862943611198906, "g_loss": 0.6931471805599453, "total_loss": 2.0794415416798357}
LATEST = {
    "step": 512,
    "d_loss": 1.31,
    "g_loss": 0.78,
    "total_loss": 2.09,
    "d_real": 0.53,
    "d_fake": 0.46,
    "d_real_logit": 0.12,
    "d_fake_logit": -0.16,
    "d_grad_norm": 0.41,
    "g_grad_norm": 0.22,
}
EVALUATED = {
    "sliced_wasserstein": 0.083,
    "classes_covered": 10.0,
    "smallest_class_share": 0.052,
    "fid_digits_classifier": 21.7,
}
JOB: dict[str, Any] = {
    "id": JOB_ID,
    "object": "job",
    "name": SPEC["name"],
    "status": "running",
    "status_reason": "claimed by a worker",
    "spec": SPEC,
    "metadata": SPEC["metadata"],
    "step": 512,
    "steps": 2000,
    "progress": 0.256,
    "steps_per_second": 96.5,
    "estimated_seconds_left": 15.4,
    "training_seconds": 5.4,
    "priority": 0,
    "start_step": 0,
    "origin": None,
    "attempt": 1,
    "worker_id": WORKER_ID,
    "error": None,
    "queue_position": None,
    "latest_metrics": LATEST,
    "latest_evaluation": {"step": 500, "values": EVALUATED},
    "verdict": "mode_collapse",
    "severity": "alarm",
    "rollbacks": 1,
    "equilibrium": EQUILIBRIUM,
    "created_at": "2026-11-20T12:00:00.000000Z",
    "started_at": "2026-11-20T12:00:01.250000Z",
    "finished_at": None,
}
NEW_JOB = JOB | {
    "status": "queued",
    "status_reason": "waiting for a worker",
    "step": 0,
    "progress": 0.0,
    "steps_per_second": None,
    "estimated_seconds_left": None,
    "training_seconds": 0.0,
    "attempt": 0,
    "worker_id": None,
    "queue_position": 1,
    "latest_metrics": None,
    "latest_evaluation": None,
    "verdict": None,
    "severity": None,
    "rollbacks": 0,
    "started_at": None,
}
ORIGIN_ID = "job_000000001e89abcdef012345"
RETRIED_JOB = NEW_JOB | {"origin": {"kind": "retry", "job_id": ORIGIN_ID, "step": None}}
FORKED_JOB = NEW_JOB | {
    "step": 1000,
    "start_step": 1000,
    "progress": 0.5,
    "origin": {"kind": "fork", "job_id": ORIGIN_ID, "step": 1000},
}
FORK = {"step": 1000, "changes": {"steps": 4000, "generator": {"optimizer": {"learning_rate": 1e-4}}}}
PAUSED_JOB = JOB | {"status": "pausing", "status_reason": "pause requested"}
CANCELLING_JOB = JOB | {"status": "cancelling", "status_reason": "cancellation requested"}


def page(*items: dict[str, Any]) -> dict[str, Any]:
    return {"object": "list", "data": list(items), "has_more": False}


JOB_PAGE = page(JOB) | {"first_id": JOB_ID, "last_id": JOB_ID}
METRIC_FACTS = [asdict(fact) for fact in catalogue.METRICS]
VALIDATION = {
    "object": "validation",
    "valid": True,
    "spec": SPEC,
    "equilibrium": EQUILIBRIUM,
    "logit_is_probability": True,
    "metrics": METRIC_FACTS,
    "evaluations": [asdict(catalogue.EVALUATIONS[name]) for name in catalogue.evaluation_names("digits", True)],
}
DELETED = {"id": JOB_ID, "object": "job", "deleted": True}
METRICS = {
    "object": "metrics",
    "job_id": JOB_ID,
    "segment": 0,
    "columns": {"step": [1, 2, 3], "d_loss": [1.39, 1.38, "NaN"], "g_loss": [0.69, 0.7, None]},
    "has_more": True,
    "next_step": 4,
}
CURVE = {
    "object": "metric_buckets",
    "job_id": JOB_ID,
    "segment": 0,
    "bucket_steps": 2,
    "first_step": [1, 3],
    "last_step": [2, 3],
    "count": [2, 1],
    "columns": {
        "d_loss": {
            "min": [1.38, None],
            "max": [1.39, None],
            "mean": [1.385, None],
            "last": [1.38, "NaN"],
            "non_finite": [0, 1],
        },
        "total_loss": None,
    },
    "next_step": 4,
}
SAMPLES = page(
    {
        "object": "sample",
        "step": 200,
        "width": 64,
        "height": 64,
        "size": 2345,
        "sha256": SHA256,
        "created_at": "2026-11-20T12:00:03.100000Z",
        "url": f"/v1/jobs/{JOB_ID}/samples/200",
    }
)
EVALUATIONS = page(
    {
        "object": "evaluation",
        "step": 500,
        "values": EVALUATED,
        "created_at": "2026-11-20T12:00:06.300000Z",
    }
)
EVENTS = page(
    {
        "id": 17,
        "object": "event",
        "kind": "job.running",
        "level": "info",
        "message": "claimed by a worker",
        "data": {"from": "queued", "to": "running", "attempt": 1, "step": 0, "worker_id": WORKER_ID},
        "created_at": "2026-11-20T12:00:01.250000Z",
    }
)
LOGS = page(
    {
        "id": 4,
        "object": "log_line",
        "attempt": 1,
        "level": "info",
        "message": "training starts",
        "data": {"device": "cuda:0"},
        "created_at": "2026-11-20T12:00:01.400000Z",
    }
)
CHECKPOINTS = page(
    {
        "object": "checkpoint",
        "step": 500,
        "attempt": 1,
        "created_at": "2026-11-20T12:00:06.400000Z",
        "best": {"metric": "fid_digits_classifier", "value": 21.7},
        "files": [
            {
                "name": "generator.safetensors",
                "size": 1048576,
                "sha256": SHA256,
                "url": f"/v1/jobs/{JOB_ID}/checkpoints/500/files/generator.safetensors",
            }
        ],
    }
)
WORKERS = page(
    {
        "id": WORKER_ID,
        "object": "worker",
        "hostname": "gpu-host-1",
        "pid": 4242,
        "slots": 1,
        "status": "ready",
        "devices": [
            {
                "kind": "cuda",
                "index": 0,
                "name": "NVIDIA H200",
                "cores": None,
                "memory_bytes": 150754820096,
                "memory_used_bytes": 2147483648,
                "utilization_percent": 63.0,
                "load": None,
            }
        ],
        "versions": {"ganjobs": "0.2.0", "torch": "2.13.0"},
        "started_at": "2026-11-20T11:58:00.000000Z",
        "seen_at": "2026-11-20T12:00:06.000000Z",
        "jobs": [JOB_ID],
        "steps_per_second": 96.5,
    }
)
READY = {
    "status": "ready",
    "checks": {
        "database": {"status": "ok", "detail": "answers"},
        "queue": {"status": "ok", "detail": "0 messages waiting"},
        "worker": {"status": "ok", "detail": "1 worker is ready"},
    },
}
NOT_READY = {
    "status": "not_ready",
    "checks": READY["checks"] | {"worker": {"status": "unavailable", "detail": "no worker is ready"}},  # type: ignore[operator]
}
