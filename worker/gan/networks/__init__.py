"""The networks a spec can name.

A generator maps noise (batch, latent_dim), and labels (batch,) where there are classes, to data (batch, *shape). A
discriminator maps data, and labels, to logits: see ``parts`` for both. Where several examples are judged together
(PacGAN, Lin et al. 2018), their channels, or the features of points, come one after the other: (batch / pack,
pack * channels, height, width), and each pack gets a logit.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch

from models.spec import (
    Dcgan,
    DcganGenerator,
    JobSpec,
    Mlp,
    MlpGenerator,
    R3ganDiscriminator,
    R3ganGenerator,
    ResnetDiscriminator,
    ResnetGenerator,
)
from worker.gan.networks import dcgan, mlp, r3gan, resnet, spectral
from worker.gan.networks.parts import Classifier, DiscriminatorNetwork, GeneratorNetwork, Head, Projection
from worker.gan.noise import Purpose, keyed_seed


def build_generator(spec: JobSpec, classes: int | None = None) -> GeneratorNetwork:
    """The spec's generator on the CPU, its weights a function of the seed alone.

    ``classes`` is how many there are; it counts only where the spec is conditional, and is needed only where the spec
    cannot tell.

    Raises:
        ValueError: it is needed, and missing.
    """
    classes = _class_count(spec, classes)
    with _seeded(spec.seed, Purpose.GENERATOR_WEIGHTS):
        network = _generator(spec, classes)
        if spec.generator.spectral_norm:
            spectral.normalise_generator(network)
    return network


def build_discriminator(spec: JobSpec, classes: int | None = None, draw: int = 0) -> DiscriminatorNetwork:
    """The spec's discriminator on the CPU, its weights a function of the seed and of ``draw`` alone; ``classes`` as for
    the generator.

    Raises:
        ValueError: ``classes`` is needed, and missing.
    """
    head = _head(spec, _class_count(spec, classes))
    with _seeded(spec.seed, Purpose.DISCRIMINATOR_WEIGHTS, draw):
        network = _discriminator(spec, head)
        if spec.discriminator.spectral_norm:
            spectral.normalise_discriminator(network)
    return network


def _generator(spec: JobSpec, classes: int | None) -> GeneratorNetwork:
    shape = spec.shape
    match spec.generator:
        case MlpGenerator() as network:
            return mlp.MlpGeneratorNetwork(
                network.latent_dim, network.hidden_sizes, shape, network.normalization, classes
            )
        case DcganGenerator() as network:
            return dcgan.DcganGeneratorNetwork(
                network.latent_dim, network.base_channels, shape, network.normalization, classes
            )
        case ResnetGenerator() as network:
            return resnet.ResnetGeneratorNetwork(
                network.latent_dim, network.base_channels, shape, network.normalization, classes
            )
        case R3ganGenerator() as network:
            return r3gan.R3ganGeneratorNetwork(network.latent_dim, network, shape, classes)


def _discriminator(spec: JobSpec, head: Head | None) -> DiscriminatorNetwork:
    shape = (spec.pack * spec.shape[0], *spec.shape[1:])
    match spec.discriminator:
        case Mlp() as network:
            return mlp.MlpDiscriminatorNetwork(network.hidden_sizes, shape, network.normalization, head)
        case Dcgan() as network:
            return dcgan.DcganDiscriminatorNetwork(network.base_channels, shape, network.normalization, head)
        case ResnetDiscriminator() as network:
            return resnet.ResnetDiscriminatorNetwork(network.base_channels, shape, network.normalization, head)
        case R3ganDiscriminator() as network:
            return r3gan.R3ganDiscriminatorNetwork(network, shape, head)


def _class_count(spec: JobSpec, classes: int | None) -> int | None:
    if spec.conditional is None:
        return None
    count = classes if classes is not None else spec.dataset.class_count
    if count is None:
        raise ValueError(f"how many classes the data set `{spec.dataset.kind}` has is to be read from its data")
    return count


def _head(spec: JobSpec, classes: int | None) -> Head | None:
    if spec.conditional is None or classes is None:
        return None
    return partial(Projection if spec.conditional.kind == "projection" else Classifier, classes=classes)


@contextmanager
def _seeded(seed: int, purpose: Purpose, draw: int = 0) -> Iterator[None]:
    """Seeds torch's global generator, from which layers draw their first weights, and puts it back afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(keyed_seed(seed, 0, purpose, draw))
        yield
