"""The auxiliary classifier's side of the game (AC-GAN, Odena 2017)."""

from torch import Tensor
from torch.nn.functional import cross_entropy

from worker.gan.game import Answer
from worker.gan.inputs import Batch


def class_loss(answer: Answer, batch: Batch) -> Tensor:
    """-E log P(class) by the discriminator's class head, in nats (Odena 2017, eq. 3, for real or generated data)."""
    return cross_entropy(*_judged(answer, batch))


def accuracy(answer: Answer, batch: Batch) -> Tensor:
    """The share of a batch whose class the class head names."""
    class_logits, labels = _judged(answer, batch)
    return (class_logits.detach().argmax(1) == labels).float().mean()


def _judged(answer: Answer, batch: Batch) -> tuple[Tensor, Tensor]:
    assert answer.class_logits is not None, "only a discriminator with a class head has class losses"
    assert batch.labels is not None, "only labelled data have class losses"
    return answer.class_logits, batch.labels
