"""What a client may send to the service, and how a bad request is told so. Plain Python, no libraries."""

import json
import math

PIXELS = 64
FULL_INK = 16
MOST_IMAGES = 256
MOST_BYTES = 1 << 20


class RequestError(Exception):
    """The client has to send something else; the message says what."""


def parse(body: bytes) -> list[list[float]]:
    """The images of a request: `{"images": [[64 numbers from 0 to 16], …]}`."""
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise RequestError("the body is not JSON") from None
    images = request.get("images") if isinstance(request, dict) else None
    if not isinstance(images, list) or not images:
        raise RequestError('send {"images": [[64 numbers from 0 to 16], ...]}')
    if len(images) > MOST_IMAGES:
        raise RequestError(f"{len(images)} images at once; {MOST_IMAGES} is the most")
    return [_image(number, image) for number, image in enumerate(images)]


def _image(number: int, image: object) -> list[float]:
    if not isinstance(image, list) or len(image) != PIXELS:
        raise RequestError(f"image {number} is not a list of {PIXELS} numbers")
    if not all(_is_ink(value) for value in image):
        raise RequestError(f"image {number} has something else than numbers from 0 to {FULL_INK}")
    return [float(value) for value in image]


def _is_ink(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) and 0 <= value <= FULL_INK
