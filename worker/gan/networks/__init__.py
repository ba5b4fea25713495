"""The networks a spec can name. A generator maps (batch, latent_dim) to data; a discriminator maps data to (batch,)."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from models.spec import Dcgan, DcganGenerator, JobSpec, Mlp, MlpGenerator
from worker.gan.networks import dcgan, mlp
from worker.gan.noise import Purpose, keyed_seed


def build_generator(spec: JobSpec) -> nn.Module:
    """The spec's generator on the CPU, its weights a function of the seed alone."""
    shape = spec.dataset_facts.shape
    with _seeded(spec.seed, Purpose.GENERATOR_WEIGHTS):
        match spec.generator:
            case MlpGenerator() as network:
                return mlp.MlpGeneratorNetwork(network.latent_dim, network.hidden_sizes, shape)
            case DcganGenerator() as network:
                return dcgan.DcganGeneratorNetwork(network.latent_dim, network.base_channels, shape)


def build_discriminator(spec: JobSpec) -> nn.Module:
    """The spec's discriminator on the CPU, its weights a function of the seed alone."""
    shape = spec.dataset_facts.shape
    with _seeded(spec.seed, Purpose.DISCRIMINATOR_WEIGHTS):
        match spec.discriminator:
            case Mlp() as network:
                return mlp.MlpDiscriminatorNetwork(network.hidden_sizes, shape)
            case Dcgan() as network:
                return dcgan.DcganDiscriminatorNetwork(network.base_channels, shape)


@contextmanager
def _seeded(seed: int, purpose: Purpose) -> Iterator[None]:
    """Seeds torch's global generator, from which layers draw their first weights, and puts it back afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(keyed_seed(seed, 0, purpose))
        yield
