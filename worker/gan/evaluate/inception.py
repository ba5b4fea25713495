"""Inception's features, by torch-fidelity's port of the network that FID is defined on, where somebody has put it here.

Neither the library nor the weights come with this project, and neither is ever downloaded. The weights are those that
torch-fidelity publishes (``weights-inception-2015-12-05-6726825d.pth``), saved again as safetensors::

    safetensors.torch.save_file(torch.load(published, weights_only=True), "inception.safetensors")
"""

from __future__ import annotations

import importlib
import io
import os
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from worker.gan.evaluate.features import NetworkExtractor, to_bytes

ENVIRONMENT_VARIABLE = "GANJOBS_INCEPTION_WEIGHTS"
# The last pooling layer, 2,048 features (Heusel et al. 2017).
LAYER = "2048"


class InceptionUnavailable(Exception):
    """Inception's features were asked for and cannot be had; the message says why."""


class InceptionNetwork(nn.Module):
    """Images (batch, 1 or 3 channels, side, side) in [-1, 1] to features (batch, 2048). The library's network takes
    colour images of bytes and enlarges them itself, as the one of the published figures does."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        colored = to_bytes(images).expand(-1, 3, -1, -1)
        features: Tensor = self.network(colored)[0]
        return features


def inception(device: torch.device, weights: Path | None = None) -> NetworkExtractor | None:
    """The extractor of Inception's features on ``device``, with the ``weights`` of a safetensors file, or of the one
    that the environment variable ``GANJOBS_INCEPTION_WEIGHTS`` names; ``None`` where neither is set.

    Raises:
        InceptionUnavailable: there is no such file, it does not hold these weights, or torch-fidelity is not installed.
    """
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    path = weights or (Path(named) if named else None)
    if path is None:
        return None
    network = InceptionNetwork(_library_network(path)).to(device).eval()
    return NetworkExtractor("inception", network, device)


def _library_network(path: Path) -> nn.Module:
    try:
        library = importlib.import_module("torch_fidelity.feature_extractor_inceptionv3")
    except (ImportError, RuntimeError) as error:  # the latter where torchvision was built for another torch
        raise InceptionUnavailable(
            f"{path}: Inception's weights need the package torch-fidelity, which cannot be imported: {error}"
        ) from error
    try:
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        raise InceptionUnavailable(
            f"{path}: not a readable safetensors file of Inception's weights: {error}"
        ) from error
    # The library unpickles the file it is given, whatever that does: it gets one that was just made of plain tensors.
    pickled = io.BytesIO()
    torch.save(state, pickled)
    pickled.seek(0)
    try:
        network: nn.Module = library.FeatureExtractorInceptionV3(
            "inception", [LAYER], feature_extractor_weights_path=pickled
        )
    except (RuntimeError, KeyError) as error:
        raise InceptionUnavailable(f"{path}: not the weights of torch-fidelity's Inception: {error}") from error
    return network
