"""The hash over everything that gives a log's bytes their meaning."""

import hashlib

from hil.log.channels import CHANNELS, LOG_VERSION
from hil.log.ros2msg import check_cdr, schema_text


def log_schema_hash() -> str:
    """SHA-256 over all channels and their records, in hex."""
    text = "".join(f"{channel.topic}\n{schema_text(channel.record)}\n" for channel in CHANNELS)
    return hashlib.sha256(f"{LOG_VERSION}\n{text}".encode()).hexdigest()


def _check_channels() -> None:
    for channel in CHANNELS:
        check_cdr(channel.record)
        if channel.record.dtype.itemsize % 8:
            raise ValueError(f"channel {channel.topic}: {channel.record.name} is no whole words")


_check_channels()
