"""Spectral normalisation (Miyato et al. 2018, algorithm 1): each weight divided by its largest singular value."""

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm


def normalise_generator(network: nn.Module) -> None:
    """Every layer that multiplies by a weight; not what is looked up by class, which is an input, or the gain and bias
    of a norm."""
    _normalise(network, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d))


def normalise_discriminator(network: nn.Module) -> None:
    """Every layer that multiplies by a weight, the embedding of a projection among them."""
    _normalise(network, (nn.Linear, nn.Conv2d, nn.Embedding))


def _normalise(network: nn.Module, kinds: tuple[type[nn.Module], ...]) -> None:
    """A weight is seen as the matrix (outputs, all else); one round of power iteration goes with each forward pass in
    training mode, and its vectors are buffers."""
    for layer in [module for module in network.modules() if isinstance(module, kinds)]:
        spectral_norm(layer)
