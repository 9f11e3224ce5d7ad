"""The picture URL for a Synology Photos album."""

__version__ = "0.1.0"
