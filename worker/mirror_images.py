"""Images as MLflow's page shows them: side by side, with a slider over their steps."""

import io
import uuid

from PIL import Image

# What MLflow's client makes of an image, too: a small copy for the grid, beside the whole.
SMALL = 256
# Says that a run has such images.
TAG = "mlflow.loggedImages"


def image_files(key: str, step: int, timestamp: int, png: bytes) -> dict[str, bytes]:
    """The artifacts, by their paths, that show a PNG of a step under a name; ``timestamp`` in milliseconds since 1970.
    MLflow's client puts a random number into the paths, so that what is sent twice is there twice: these depend on
    nothing but what is given."""
    content = uuid.uuid5(uuid.NAMESPACE_OID, png.hex())
    path = f"images/{key}+step+{step}+timestamp+{timestamp}+{content}"
    small = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        image.thumbnail((SMALL, SMALL))
        image.save(small, "WEBP")
    return {f"{path}.png": png, f"{path}+compressed.webp": small.getvalue()}
