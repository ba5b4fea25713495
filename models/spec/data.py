"""The data sets. Each says the ``shape`` of an example and, where a spec alone can tell, how many there are."""

import math
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from models.spec.fields import Kind, Part, Real, Storable, conflict, unit

Coordinate = Annotated[Real, Field(ge=-1e6, le=1e6)]
Point = tuple[Coordinate, Coordinate]
# Relative to the data root; whether it stays inside is looked at where the files are.
RelativePath = Annotated[str, StringConstraints(min_length=1, max_length=512), Storable]
Column = Annotated[str, StringConstraints(min_length=1, max_length=128), Storable]
Side = Literal[8, 16, 32, 64, 128, 256]


class _Data(Part):
    # How many examples and classes there are, where the kind alone can tell.
    size: ClassVar[int | None] = None
    known_classes: ClassVar[int | None] = None

    @property
    def class_count(self) -> int | None:
        """How many classes there are; ``None`` where there are none or only the data can tell."""
        return self.known_classes

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one example: (channels, height, width) for images, (features,) for points."""
        raise NotImplementedError

    @property
    def is_image(self) -> bool:
        return len(self.shape) == 3

    @property
    def has_labels(self) -> bool:
        """Whether every example has a class."""
        return True

    @property
    def is_finite(self) -> bool:
        """Whether there is a fixed number of examples, rather than fresh ones without end."""
        return True


class _Mixture(_Data):
    @property
    def shape(self) -> tuple[int, ...]:
        return (2,)

    @property
    def is_finite(self) -> bool:
        return False


class _Finite(_Data):
    validation_fraction: Real = Field(0.0, ge=0, le=0.5, examples=[0.1], json_schema_extra=unit("of the examples"))
    """Share of the examples that is never trained on, chosen by the seed; evaluations compare the discriminator's
    answers to the two."""


# --- points ----------------------------------------------------------------------------------------------------------


class Ring(_Mixture):
    """Eight Gaussians, standard deviation 0.01, evenly on a circle of radius 1; fresh points at every step."""

    kind: Annotated[Literal["ring"], Kind]
    known_classes: ClassVar[int | None] = 8


class Grid(_Mixture):
    """25 Gaussians, standard deviation 0.05, at {-4, -2, 0, 2, 4} squared; fresh points at every step."""

    kind: Annotated[Literal["grid"], Kind]
    known_classes: ClassVar[int | None] = 25


class Mixture(_Mixture):
    """Gaussians in the plane of your own; fresh points at every step. The density is known exactly."""

    kind: Annotated[Literal["mixture"], Kind]
    means: tuple[Point, ...] = Field(min_length=1, max_length=1024, examples=[[[-1.0, 0.0], [1.0, 0.0]]])
    """Centre (x, y) of each component."""
    covariances: tuple[tuple[Point, Point], ...] = Field(
        min_length=1, max_length=1024, examples=[[[[0.01, 0.0], [0.0, 0.01]]]]
    )
    """Covariance matrix of each component, or one for all; symmetric and positive definite."""
    weights: tuple[Annotated[Real, Field(gt=0, le=1e6)], ...] | None = Field(
        None, min_length=1, max_length=1024, examples=[[0.5, 0.5]]
    )
    """How likely each component is, relative to the others; all alike by default."""

    @property
    def class_count(self) -> int | None:
        return len(self.means)

    @model_validator(mode="after")
    def _as_many_of_each(self) -> Self:
        count = len(self.means)
        if self.weights is not None and len(self.weights) != count:
            raise conflict("weights", "must hold {limit} numbers, one for each of `means`", limit=count)
        if len(self.covariances) not in (1, count):
            raise conflict("covariances", "must hold one matrix, or {limit}, one for each of `means`", limit=count)
        for index, ((a, b), (c, d)) in enumerate(self.covariances):
            if b != c or not (a > 0 and d > 0 and a * d - b * b > 1e-12 * a * d) or not math.isfinite(a * d):
                raise conflict(f"covariances.{index}", "must be symmetric and positive definite")
        return self


# --- images ----------------------------------------------------------------------------------------------------------


class Digits(_Finite):
    """1,797 real handwritten digits, 8 x 8 grey pixels (UCI; shipped inside scikit-learn), ten classes."""

    kind: Annotated[Literal["digits"], Kind]
    size: ClassVar[int | None] = 1797
    known_classes: ClassVar[int | None] = 10

    @property
    def shape(self) -> tuple[int, ...]:
        return (1, 8, 8)


class _Images(_Finite):
    side: Side = Field(examples=[32], json_schema_extra=unit("pixels"))
    """Height and width that each image is brought to: its middle square, resized."""
    channels: Literal[1, 3] = Field(3, examples=[3])
    """1 for grey, 3 for red, green and blue; images are converted."""

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.channels, self.side, self.side)


class ImageFolder(_Images):
    """Image files in a folder under the data root, subfolders included."""

    kind: Annotated[Literal["image_folder"], Kind]
    path: RelativePath = Field(examples=["flowers"])
    """The folder, relative to the worker's data root."""
    labels: Literal["none", "folders"] = Field("none", examples=["folders"])
    """Where classes come from: nowhere, or the names of the first-level subfolders."""

    @property
    def has_labels(self) -> bool:
        return self.labels == "folders"


class Npz(_Images):
    """Images in an array of an .npz file under the data root: (count, height, width), or with channels last or second;
    unsigned bytes, or floats within ``value_range``."""

    kind: Annotated[Literal["npz"], Kind]
    path: RelativePath = Field(examples=["shapes.npz"])
    """The file, relative to the worker's data root; it is read with pickle off."""
    array: Column = Field("images", examples=["images"])
    """Name of the array that holds the images."""
    label_array: Column | None = Field(None, examples=["labels"])
    """Name of the array (count,) of whole numbers that are the classes; none by default."""
    value_range: tuple[Coordinate, Coordinate] = Field((-1.0, 1.0), examples=[[0.0, 1.0]])
    """What black and white are where the array holds floats."""

    @property
    def has_labels(self) -> bool:
        return self.label_array is not None

    @model_validator(mode="after")
    def _range_rises(self) -> Self:
        if self.value_range[0] >= self.value_range[1]:
            raise conflict("value_range", "must rise from black to white")
        return self


class HuggingFace(_Images):
    """A data set of the Hugging Face hub, or one saved on disk under the data root, read by the `datasets` library. The
    hub needs a network while the job runs."""

    kind: Annotated[Literal["hugging_face"], Kind]
    path: RelativePath = Field(examples=["ylecun/mnist"])
    """A folder under the data root that `save_to_disk` wrote; where there is none, a name on the hub, `owner/name`."""
    split: Column = Field("train", examples=["train"])
    """Which part of it."""
    revision: Column | None = Field(None, examples=["main"])
    """Commit, tag or branch on the hub; the newest by default."""
    image_column: Column = Field("image", examples=["image"])
    """The column of images."""
    label_column: Column | None = Field(None, examples=["label"])
    """The column of classes; none by default."""

    @property
    def has_labels(self) -> bool:
        return self.label_column is not None


Dataset = Annotated[Digits | Ring | Grid | Mixture | ImageFolder | Npz | HuggingFace, Field(discriminator="kind")]
