"""One training step on one page: k discriminator updates, then one generator update (Goodfellow 2014, algorithm 1)."""

from functools import partial

import torch
from torch import Tensor

from models.spec import Wasserstein
from worker.gan.classes import accuracy, class_loss
from worker.gan.game import Game
from worker.gan.gradients import clip, measure, update
from worker.gan.inputs import Batch
from worker.gan.losses import LOSSES
from worker.gan.penalties import Judged, penalty

# Numbers of one update by the names of ``catalogue.ALL_METRICS``, on the device.
Row = dict[str, Tensor]
# The batches that an update has judged, told apart for the chance in their augmentation.
REAL, FAKE, BETWEEN = range(3)
BOTH_FORMS = ("saturating", "non_saturating")


def play_step(game: Game) -> Tensor:
    """Play the next step; returns its metrics, ordered as the spec's ``metric_names``, as one tensor on the device.

    Nothing here waits for the device: no ``.item()``, no branch on a value.
    """
    game.begin_step()
    return update_players(game)


def update_players(game: Game) -> Tensor:
    """What the device does in a step, given its inputs; a CUDA graph holds all of it."""
    rows = []
    for sub_step in range(game.spec.discriminator_steps):
        row, fake = discriminator_update(game, sub_step)
        rows.append(row)
    row = mean_of(rows) | generator_update(game, fake)
    if game.average is not None and game.controls.generator_learns:
        game.average.update(game.generator)
    row["total_loss"] = row["d_loss"] + row["g_loss"]
    # A penalty that a rollback may add later has its column from the start.
    return torch.stack([row.get(name, torch.zeros_like(row["d_loss"])) for name in game.metric_names])


def discriminator_update(game: Game, sub_step: int) -> tuple[Row, Batch]:
    """Update the discriminator on a fresh real and a fresh fake batch; returns what it was before the update, and the
    fake batch. The loss is recorded without penalties and class losses, which have columns of their own."""
    real, fake = _batches(game, sub_step)
    leaves = [Batch(_leaf(batch.data, game), batch.labels) for batch in (real, fake)]
    answers = [game.judge(leaf, sub_step, place) for place, leaf in enumerate(leaves)]
    logits = [answer.logits for answer in answers]
    loss = game.loss.discriminator(*logits)
    row = {"d_loss": loss.detach()} | _readings(game, torch.stack(logits).detach())

    for regularizer in game.penalties:
        term = torch.zeros_like(row["d_loss"])
        if regularizer.kind in game.controls.weights:  # not in the steps that a lazy one skips
            judge = partial(_logits_between, game, real.labels, sub_step)
            judged = Judged(leaves[REAL].data, logits[REAL], leaves[FAKE].data, logits[FAKE], judge)
            value = penalty(regularizer, judged, partial(game.inputs.shares, sub_step))
            term = game.controls.weights[regularizer.kind] * value
            loss = loss + term
        row[regularizer.metric_name] = term.detach()
    if game.classifier is not None:
        on_real, on_fake = class_loss(answers[REAL], real), class_loss(answers[FAKE], fake)
        loss = loss + game.classifier.weight * (on_real + on_fake)
        row["d_class_loss"] = (on_real + on_fake).detach()
        row["class_accuracy_real"] = accuracy(answers[REAL], real)
        row["class_accuracy_fake"] = accuracy(answers[FAKE], fake)

    learns = game.controls.discriminator_learns
    row["d_grad_norm"] = update(game.discriminator_optimizer, loss, learns)
    if isinstance(game.spec.loss, Wasserstein) and learns:
        clip(game.discriminator_optimizer, game.spec.loss.clip)
    if game.adaptive is not None:
        if learns:  # a judge that does not learn cannot answer a change
            game.adaptive.update(logits[REAL].detach())
        row |= {"augment_probability": game.adaptive.probability.clone(), "r_t": game.adaptive.r_t.clone()}
    return row, fake


def generator_update(game: Game, last_fake: Batch) -> Row:
    """Update the generator against the discriminator as it now is, on a fresh fake batch or the last one reused;
    returns what it was before the update."""
    sub_step = game.spec.discriminator_steps
    fake = last_fake
    if game.spec.fake_batch == "fresh":
        latent = game.inputs.latent(sub_step)
        fake = Batch(game.fake(latent), latent.labels)
    answer = game.judge(fake, sub_step, FAKE)
    logits = [answer.logits]
    if game.spec.loss_facts.paired:
        with torch.no_grad():
            logits.append(game.judge(game.inputs.real(sub_step), sub_step, REAL).logits)
    loss = game.loss.generator(*logits)
    row = {"g_loss": loss.detach()}
    for form in BOTH_FORMS:
        if f"g_grad_norm_{form}" in game.metric_names:
            row[f"g_grad_norm_{form}"] = measure(game.generator_optimizer, LOSSES[form].generator(answer.logits))
    if game.classifier is not None:
        on_fake = class_loss(answer, fake)
        loss = loss + game.classifier.weight * on_fake
        row["g_class_loss"] = on_fake.detach()
    row["g_grad_norm"] = update(game.generator_optimizer, loss, game.controls.generator_learns)
    return row


def mean_of(rows: list[Row]) -> Row:
    """The mean of each number over the discriminator's updates."""
    if len(rows) == 1:
        return rows[0]
    return {name: torch.stack([row[name] for row in rows]).mean() for name in rows[0]}


def _batches(game: Game, sub_step: int) -> tuple[Batch, Batch]:
    """The real and the fake batch of a discriminator update."""
    # Only a batch that the generator will be updated on needs the generator's graph.
    last = sub_step == game.spec.discriminator_steps - 1
    latent = game.inputs.latent(sub_step)
    with torch.set_grad_enabled(last and game.spec.fake_batch == "reused"):
        fake = game.fake(latent)
    return game.inputs.real(sub_step), Batch(fake, latent.labels)


def _leaf(data: Tensor, game: Game) -> Tensor:
    """Data cut off from what made them; gradients by them can be had where a penalty is of them."""
    return data.detach().requires_grad_(bool(game.controls.weights))


def _logits_between(game: Game, labels: Tensor | None, sub_step: int, points: Tensor) -> Tensor:
    """Logits of points between real data, whose classes ``labels`` are, and generated data."""
    return game.judge(Batch(points, labels), sub_step, BETWEEN).logits


def _readings(game: Game, logits: Tensor) -> Row:
    """Mean answers to real and fake data, from logits (2, batch / pack)."""
    means = logits.mean(1)
    row = {"d_real_logit": means[REAL], "d_fake_logit": means[FAKE]}
    if game.spec.loss_facts.logit_is_probability:
        probabilities = logits.sigmoid().mean(1)
        row |= {"d_real": probabilities[REAL], "d_fake": probabilities[FAKE]}
    return row
