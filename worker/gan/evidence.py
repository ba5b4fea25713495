"""What a report shows for its verdict, and how sure it is of it."""

from collections.abc import Sequence

from models.verdicts import Evidence, Verdict
from worker.gan.readings import finite
from worker.gan.view import Finding, Record, Sign

# Assessments for which a rule has held that make a verdict as certain as time alone can.
CERTAIN_AFTER = 8
# Further signals that a report shows, where they were measured; those under ``None`` with verdicts not named here.
SHOWN_BESIDE: dict[Verdict | None, tuple[str, ...]] = {
    None: (
        "separability",
        "pooled_missing_share",
        "distance",
        "gradient_ratio",
        "d_gradient_ratio",
        "answer_gap",
        "logit_gap",
        "equilibrium_distance",
        "jensen_shannon_bound",
    ),
    Verdict.OSCILLATING: ("d_loss_periodicity", "g_loss_periodicity", "region_entropy", "pooled_missing_share"),
    Verdict.DISCRIMINATOR_OVERFITTING: ("copied_share", "real_sign", "r_t", "held_out_separability"),
    Verdict.NON_FINITE: (),
}
DIVERSITY = ("region_entropy", "class_entropy_ratio", "spread_ratio", "effective_rank_ratio", "near_duplicate_share")
SHOWN_BESIDE |= {Verdict.MODE_COLLAPSE: DIVERSITY, Verdict.PARTIAL_MODE_COLLAPSE: DIVERSITY}


def evidence_of(finding: Finding, records: Sequence[Record]) -> tuple[Evidence, ...]:
    """The signs that a finding rests on, and beside them what else was measured and says something of its verdict."""
    told, newest = {sign.signal for sign in finding.signs}, records[-1]
    others = SHOWN_BESIDE.get(finding.verdict, SHOWN_BESIDE[None])
    beside = [Sign(name, newest[name], None) for name in others if name not in told and newest.get(name) is not None]
    return tuple(_shown(sign, records) for sign in (*finding.signs, *beside))


def confidence_in(finding: Finding, count: int, needed: int) -> float:
    """Half for how long, half for how far beyond its thresholds the weakest sign is."""
    time = min(1.0, (count - needed + 1) / (CERTAIN_AFTER - needed + 1))
    return (time + min(sign.margin for sign in finding.signs)) / 2


def _shown(sign: Sign, records: Sequence[Record]) -> Evidence:
    window = records[-sign.window :]
    return Evidence(
        signal=sign.signal,
        value=finite(sign.value),
        threshold=sign.threshold,
        reference=sign.reference,
        first_step=window[0]["first_step"],
        last_step=window[-1]["last_step"],
    )
