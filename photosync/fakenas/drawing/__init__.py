"""Draws the sample photos served by the fake NAS: `python -m photosync.fakenas.drawing`."""
