"""The training-job spec: one frozen model from the HTTP body to the training loop, with no mapping layer between."""

from models.spec.fields import Integer, MetadataKey, MetadataValue, Name, Part, Real
from models.spec.job import EXAMPLE, JobSpec
from models.spec.parts import (
    Adam,
    Dataset,
    Dcgan,
    DcganGenerator,
    Digits,
    Discriminator,
    Generator,
    Grid,
    Loss,
    Mlp,
    MlpGenerator,
    NonSaturating,
    Ring,
    Saturating,
)

__all__ = [
    "EXAMPLE",
    "Adam",
    "Dataset",
    "Dcgan",
    "DcganGenerator",
    "Digits",
    "Discriminator",
    "Generator",
    "Grid",
    "Integer",
    "JobSpec",
    "Loss",
    "MetadataKey",
    "MetadataValue",
    "Mlp",
    "MlpGenerator",
    "Name",
    "NonSaturating",
    "Part",
    "Real",
    "Ring",
    "Saturating",
]
