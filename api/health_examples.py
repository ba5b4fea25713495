"""What the documentation shows of a job's health."""

from typing import Any

from api.examples import JOB_ID, page

# As it was found of a run on three groups of points far apart, of whose two losses alone the readings are shown.
SENTENCE = (
    "The generator makes a small part of what there is in the data, again and again. Regions that hold {} of the real "
    "data get next to nothing."
)


def _report(step: int, confidence: float, share: str, **signals: float) -> dict[str, Any]:
    """What was said after a step, by ``signals`` over the last 50 steps, of which progress is over the last 200."""
    thresholds = {"pooled_missing_share": (0.45, 0.0), "progress": (0.06, None)}
    evidence = []
    for signal, value in signals.items():
        threshold, reference = thresholds.get(signal, (None, None))
        first_step = step - (199 if signal == "progress" else 49)
        held = {"signal": signal, "value": value, "threshold": threshold, "reference": reference}
        evidence.append(held | {"first_step": first_step, "last_step": step})
    return {
        "object": "job.health",
        "job_id": JOB_ID,
        "segment": 0,
        "step": step,
        "verdict": "mode_collapse",
        "severity": "alarm",
        "confidence": confidence,
        "since_step": 251,
        "sentence": SENTENCE.format(share),
        "evidence": evidence,
        "advice": [
            {
                "field": "regularizers",
                "text": "Add R1 (weight 0.1 to 10): with it the game converges near its equilibrium, and without it "
                "need not.",
                "source": "Mescheder et al. 2018, theorem 4.1",
            },
            {
                "field": "pack",
                "text": "Set 2 to 4: a discriminator that sees several examples at once sees that they are all alike.",
                "source": "Lin et al. 2018 (PacGAN), section 2.1",
            },
        ],
    }


HEALTH = _report(
    500,
    0.75,
    "90%",
    pooled_missing_share=0.90185546875,
    progress=0.01176,
    region_entropy=0.4759,
    spread_ratio=0.1402,
    effective_rank_ratio=0.5248,
    near_duplicate_share=0.0,
)
BEFORE = _report(
    400,
    0.582,
    "72%",
    pooled_missing_share=0.72412109375,
    progress=0.01594,
    region_entropy=0.4794,
    spread_ratio=0.1543,
    effective_rank_ratio=0.5111,
    near_duplicate_share=0.015625,
)
_CHANGE = {name: BEFORE[name] for name in ("step", "verdict", "severity", "since_step", "confidence")}
HEALTH_CHANGED = {
    "id": 19,
    "object": "event",
    "kind": "health.changed",
    "level": "error",
    "message": f"mode_collapse since step 251: {BEFORE['sentence']}",
    "data": _CHANGE | {"previous": "partial_mode_collapse"},
    "created_at": "2026-11-20T12:00:06.350000Z",
}
HEALTH_HISTORY = page(
    {
        "object": "health.interval",
        "from_step": 350,
        "to_step": 350,
        "verdict": "partial_mode_collapse",
        "severity": "caution",
        "confidence": 0.583,
        "sentence": "A part of what there is in the data is left out by the generator. Regions that hold 67% of the "
        "real data get next to nothing.",
        "segment": 0,
    },
    {
        "object": "health.interval",
        "from_step": 400,
        "to_step": 500,
        **{name: HEALTH[name] for name in ("verdict", "severity", "confidence", "sentence", "segment")},
    },
)


# How many of 256 generated and of 2048 real examples lie in each of 32 regions.
GENERATED = {8: 50, 11: 59, 21: 58, 25: 51, 28: 38}
FROM_FIXED_NOISE = {8: 56, 11: 49, 21: 49, 25: 56, 28: 43, 30: 3}
REAL = [61, 128, 46, 35, 92, 123, 53, 58, 34, 110, 46, 33, 105, 44, 38, 46]
REAL += [108, 45, 58, 77, 114, 38, 103, 44, 58, 57, 28, 56, 39, 42, 101, 28]
HEALTH_READINGS = page(
    {
        "object": "health.reading",
        "step": 500,
        "segment": 0,
        "verdict": "mode_collapse",
        "reading": {
            "window": [451, 500],
            "metrics": {
                "d_loss": [0.7546, 0.0572, 0.6121, 0.8791, 0.7709, -0.005, 0.2637],
                "g_loss": [1.4001, 0.1286, 1.1314, 1.7028, 1.3608, 0.035, 0.5045],
            },
            "statistics": {
                "spread_ratio": 0.1402,
                "pairwise_distance_ratio": 0.12,
                "effective_rank_ratio": 0.5248,
                "near_duplicate_share": 0.0,
                "distance": 1.0443,
                "distance_floor": 0.0438,
                "movement": 0.0422,
                "separability": 0.9588,
                "logit_gradient": 0.7847,
                "logit_deviation": 4.5208,
                "real_sign": 0.4297,
            },
            "shares": [GENERATED.get(region, 0) / 256 for region in range(len(REAL))],
            "fixed_shares": [FROM_FIXED_NOISE.get(region, 0) / 256 for region in range(len(REAL))],
            "real_shares": [count / 2048 for count in REAL],
        },
    }
)
SEGMENTS = page(
    {
        "object": "segment",
        "number": 1,
        "after_step": 250,
        "last_step": 400,
        "verdict": "mode_collapse",
        "report": BEFORE | {"segment": 1},
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
