"""Verdicts in words: what is going on, and which fields of the spec to change, with sources."""

from models.catalogue import LossFacts
from models.spec import JobSpec
from models.verdicts import Advice, Verdict
from worker.gan.view import Finding

# A learning rate so many times the other one leaves that alone.
FAR_AHEAD = 5

SENTENCES: dict[Verdict, str] = {
    Verdict.WARMING_UP: "It is too early to tell how the game stands.",
    Verdict.BALANCED: "Both networks learn from each other: no sign of failure. Whether the samples are good, only "
    "they and the evaluations can tell.",
    Verdict.DISCRIMINATOR_WINNING: "The discriminator tells nearly all data apart, and its gradient has not vanished: "
    "such a game can be an excellent one.",
    Verdict.DISCRIMINATOR_OVERFITTING: "The discriminator knows its training data by heart: what it teaches leads to "
    "copies, not to new data.",
    Verdict.DISCRIMINATOR_TOO_WEAK: "The generated data plainly differ from the real ones, and the discriminator does "
    "not see it: the generator is taught nothing.",
    Verdict.PARTIAL_MODE_COLLAPSE: "A part of what there is in the data is left out by the generator.",
    Verdict.MODE_COLLAPSE: "The generator makes a small part of what there is in the data, again and again.",
    Verdict.OSCILLATING: "What the generator makes moves from place to place without coming nearer to the data: the "
    "two networks chase each other.",
    Verdict.STALLED: "The generator no longer changes, and is far from the data.",
    Verdict.GENERATOR_GRADIENT_VANISHING: "The discriminator has won: next to nothing of its gradient reaches the "
    "generator, which no longer gets better.",
    Verdict.DIVERGING: "The generated data are far outside the real ones.",
    Verdict.NON_FINITE: "A loss, or what is generated, is no finite number any more: nothing after this step can be "
    "used.",
}


def describe(finding: Finding, facts: LossFacts) -> str:
    """A plain sentence on a finding, with the figure that says most."""
    sentence = SENTENCES[finding.verdict]
    told = {sign.signal: sign.value for sign in finding.signs}
    share = told.get("pooled_missing_share")
    if finding.verdict in (Verdict.MODE_COLLAPSE, Verdict.PARTIAL_MODE_COLLAPSE) and share is not None:
        sentence += f" Regions that hold {share:.0%} of the real data get next to nothing."
    distance = told.get("distance_over_best")
    if finding.verdict is Verdict.DIVERGING and distance is not None:
        sentence += f" They are {distance:.1f} times as far from them as they have been."
    separability = told.get("separability")
    if finding.verdict is Verdict.DISCRIMINATOR_WINNING and separability is not None:
        sentence += f" It ranks a real example above a generated one {separability:.1%} of the time."
    if finding.verdict is Verdict.BALANCED and not facts.logit_is_probability:
        sentence += " (Under this loss, D's answers are no probabilities, and their level means nothing.)"
    return sentence


def advise(verdict: Verdict, spec: JobSpec) -> tuple[Advice, ...]:
    """What to change in a spec that came to a verdict; nothing where nothing is wrong."""
    match verdict:
        case Verdict.GENERATOR_GRADIENT_VANISHING:
            return (*_another_loss(spec), _weaker_discriminator(spec), *_steadier(spec))
        case Verdict.STALLED:
            return (*_another_loss(spec), _larger_steps(spec))
        case Verdict.DISCRIMINATOR_WINNING:
            return (_weaker_discriminator(spec),)
        case Verdict.DISCRIMINATOR_TOO_WEAK:
            return _stronger_discriminator(spec)
        case Verdict.MODE_COLLAPSE | Verdict.PARTIAL_MODE_COLLAPSE:
            return (*_steadier(spec), *_judged_together(spec), *_richer_noise(spec))
        case Verdict.OSCILLATING | Verdict.DIVERGING | Verdict.NON_FINITE:
            return (*_more_precise(spec, verdict), *_tighter_clip(spec, verdict), *_slower(spec), *_steadier(spec))
        case Verdict.DISCRIMINATOR_OVERFITTING:
            return _against_overfitting(spec)
        case _:
            return ()


def _steadier(spec: JobSpec) -> tuple[Advice, ...]:
    """R1, or more of it, where the discriminator allows a penalty."""
    if getattr(spec.discriminator, "normalization", "none") == "batch":
        return (
            Advice(
                field="discriminator.normalization",
                text="Take out batch norm (`none` or `layer`), so that the discriminator's gradient can be penalised.",
                source="Gulrajani et al. 2017, section 4",
            ),
        )
    weights = [part.weight for part in spec.penalties]
    text = (
        f"Raise the weight of its penalties above {max(weights):g}: the discriminator's gradient is still too steep."
        if weights
        else "Add R1 (weight 0.1 to 10): with it the game converges near its equilibrium, and without it need not."
    )
    field = "loss.penalty_weight" if spec.loss.kind == "wasserstein_gp" else "regularizers"
    return (Advice(field=field, text=text, source="Mescheder et al. 2018, theorem 4.1"),)


def _slower(spec: JobSpec) -> tuple[Advice, ...]:
    """Lower learning rates: of both, or of the one that is far ahead of the other."""
    rates = {player: getattr(spec, player).optimizer.learning_rate for player in ("generator", "discriminator")}
    fields = [
        Advice(
            field=f"{player}.optimizer.learning_rate",
            text=f"Lower it from {rate:g}: to a third, say.",
            source="Heusel et al. 2017, section 2 (two time scales); Mescheder et al. 2017, section 3",
        )
        for player, rate in rates.items()
        if rate * FAR_AHEAD > max(rates.values())
    ]
    first_beta = getattr(spec.generator.optimizer, "betas", (0.0,))[0]
    if first_beta > 0.5:
        fields.append(
            Advice(
                field="generator.optimizer.betas",
                text=f"Lower the first from {first_beta:g} to 0.5 or 0: momentum carries both players past each other.",
                source="Radford et al. 2016, section 3; Gidel et al. 2019",
            )
        )
    return tuple(fields)


def _another_loss(spec: JobSpec) -> tuple[Advice, ...]:
    if spec.loss.kind == "saturating":
        text = "Use `non_saturating`: its gradient does not vanish where the discriminator is sure."
        return (Advice(field="loss.kind", text=text, source="Goodfellow et al. 2014, section 3"),)
    if spec.loss.kind == "wasserstein":
        text = "Use `wasserstein_gp`, or another `clip`: a tight one starves the generator, a loose one explodes."
        return (Advice(field="loss.clip", text=text, source="Gulrajani et al. 2017, section 3.2"),)
    return ()


def _weaker_discriminator(spec: JobSpec) -> Advice:
    if spec.discriminator.frozen or spec.discriminator.pretrain_steps:
        return Advice(
            field="discriminator.pretrain_steps",
            text="Train both together from the start: a discriminator that is trained first teaches nothing.",
            source="Arjovsky & Bottou 2017, section 2",
        )
    if spec.discriminator_steps > 1 and spec.loss.kind not in ("wasserstein", "wasserstein_gp"):
        return Advice(
            field="discriminator_steps",
            text=f"Lower it from {spec.discriminator_steps} to 1: the discriminator is ahead as it is.",
            source="Goodfellow et al. 2014, algorithm 1",
        )
    rate = spec.discriminator.optimizer.learning_rate
    return Advice(
        field="discriminator.optimizer.learning_rate",
        text=f"Lower it from {rate:g}, so that the generator can follow.",
        source="Heusel et al. 2017, section 2",
    )


def _larger_steps(spec: JobSpec) -> Advice:
    return Advice(
        field="generator.optimizer.learning_rate",
        text=f"Raise it from {spec.generator.optimizer.learning_rate:g}, if the gradient is not what is lacking.",
        source="Radford et al. 2016, section 3",
    )


def _tighter_clip(spec: JobSpec, verdict: Verdict) -> tuple[Advice, ...]:
    if spec.loss.kind != "wasserstein" or verdict is Verdict.OSCILLATING:
        return ()
    text = "Lower it: a critic whose weights may be large has gradients that explode."
    return (Advice(field="loss.clip", text=text, source="Gulrajani et al. 2017, section 3.2"),)


def _more_precise(spec: JobSpec, verdict: Verdict) -> tuple[Advice, ...]:
    if spec.precision != "bfloat16" or verdict is not Verdict.NON_FINITE:
        return ()
    text = "Try `float32`: it tells whether rounding is to blame."
    return (Advice(field="precision", text=text, source="Kalamkar et al. 2019"),)


def _stronger_discriminator(spec: JobSpec) -> tuple[Advice, ...]:
    if spec.discriminator.frozen:
        text = "Let it learn: a generator that trains against a judge that stands still finds its blind spot."
        return (Advice(field="discriminator.frozen", text=text, source="Goodfellow et al. 2014, section 3"),)
    rate = spec.discriminator.optimizer.learning_rate
    return (
        Advice(
            field="discriminator.optimizer.learning_rate",
            text=f"Raise it from {rate:g}: the discriminator lags behind.",
            source="Heusel et al. 2017, section 2",
        ),
        Advice(
            field="discriminator_steps",
            text=f"Raise it from {spec.discriminator_steps}: the discriminator is to be near its optimum.",
            source="Goodfellow et al. 2014, proposition 2",
        ),
    )


def _judged_together(spec: JobSpec) -> tuple[Advice, ...]:
    if spec.pack > 1 or spec.conditional is not None:
        return ()
    text = "Set 2 to 4: a discriminator that sees several examples at once sees that they are all alike."
    return (Advice(field="pack", text=text, source="Lin et al. 2018 (PacGAN), section 2.1"),)


def _richer_noise(spec: JobSpec) -> tuple[Advice, ...]:
    if spec.generator.latent_dim >= 8:
        return ()
    text = f"Raise it from {spec.generator.latent_dim}: the generator can tell no more apart than its noise does."
    return (Advice(field="generator.latent_dim", text=text, source="Arjovsky & Bottou 2017, lemma 1"),)


def _against_overfitting(spec: JobSpec) -> tuple[Advice, ...]:
    found = []
    if spec.dataset.is_image and spec.augmentation is None:
        text = "Use `diffaugment`: what the discriminator sees of few examples is varied."
        found.append(Advice(field="augmentation", text=text, source="Zhao et al. 2020; Karras et al. 2020 (ADA)"))
    found.append(Advice(field="dataset", text="Give it more examples.", source="Karras et al. 2020 (ADA), section 2"))
    return (*found, *_steadier(spec))
