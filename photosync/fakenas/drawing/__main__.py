"""Writes the sample photos and their index to photosync/fakenas/samples."""

import io
import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from PIL import Image

from photosync.fakenas.drawing.catalogue import PLACE_PARTS, SAMPLES, Sample
from photosync.fakenas.drawing.primitives import Canvas

FOLDER = Path(__file__).parent.parent / "samples"
# Short side and largest file size in bytes; the samples travel with the package, so they stay small.
SIZES = {"xl": (1280, 75_000), "m": (320, 13_000), "sm": (240, 9_000)}


def jpeg(image: Image.Image, limit: int) -> bytes:
    """The image as a baseline JPEG at the best quality within the limit."""
    for quality in range(90, 30, -3):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, optimize=True)
        if buffer.tell() <= limit:
            break
    return buffer.getvalue()


def write(sample: Sample) -> None:
    """Draw a sample and write it at every size."""
    canvas = Canvas(*sample.size)
    sample.draw(canvas)
    picture = canvas.finish()
    wide = max(sample.size) / min(sample.size) > 2
    for suffix, (short, limit) in SIZES.items():
        share = short / min(sample.size)
        size = (round(sample.size[0] * share), round(sample.size[1] * share))
        scaled = picture if size == sample.size else picture.resize(size, Image.Resampling.LANCZOS)
        (FOLDER / f"{sample.name}-{suffix}.jpg").write_bytes(jpeg(scaled, limit * 3 // 2 if wide else limit))


def entry(sample: Sample) -> dict[str, object]:
    """What the index says of a sample."""
    place = None if sample.place is None else {part: sample.place.get(part, "") for part in PLACE_PARTS}
    return {
        "name": sample.name,
        "filename": sample.filename,
        "taken": sample.taken,
        "width": sample.size[0],
        "height": sample.size[1],
        "place": place,
        "description": sample.description,
    }


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with ProcessPoolExecutor() as pool:
        list(pool.map(write, SAMPLES))
    text = json.dumps([entry(sample) for sample in SAMPLES], ensure_ascii=False, indent=1)
    (FOLDER / "index.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
