"""TensorBoard's event files, written by TensorFlow alone.

``tf.summary``, and with it GPflow's tasks for TensorBoard, needs the package tensorboard. A file does not: it
is a sequence of records, each a protocol buffer that TensorFlow knows. So written, one takes a twentieth of
the time.
"""

import itertools
import os
import time
from io import BytesIO
from pathlib import Path

import numpy as np
import tensorflow as tf

Event, Summary, Histogram = tf.compat.v1.Event, tf.compat.v1.Summary, tf.compat.v1.HistogramProto

# Of a histogram.
N_BUCKETS = 30
STEPS = np.arange(1, N_BUCKETS + 1)

# Of a picture, in dots per inch.
RESOLUTION = 80

_numbers = itertools.count()


class EventFile:
    """A new event file in a directory, which is made if it is not there.

    What is written can be read at once.

    Parameters
    ----------
    directory : path-like
    """

    def __init__(self, directory):
        Path(directory).mkdir(parents=True, exist_ok=True)
        # TensorBoard reads files of such names, in their order.
        name = f"events.out.tfevents.{time.time_ns()}.{os.getpid()}.{next(_numbers)}"
        self._writer = tf.io.TFRecordWriter(str(Path(directory) / name))
        self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))

    def write(self, step: int, values: list) -> None:
        """Write values, made by the functions of this module, of some step."""
        self._write(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))

    def close(self) -> None:
        """Write no more."""
        self._writer.close()

    def _write(self, event):
        self._writer.write(event.SerializeToString())
        self._writer.flush()


def scalar(tag: str, value: float):
    """A number, a point of a curve."""
    return Summary.Value(tag=tag, simple_value=value)


def histogram(tag: str, values: np.ndarray):
    """How the finite ones of some values, of which there is at least one, are distributed."""
    values = values[np.isfinite(values)]
    low, high = values.min(), values.max()
    # As np.histogram, in a fraction of its time.
    width = (high - low) / N_BUCKETS or 1.0
    places = np.minimum((values - low) / width, N_BUCKETS - 1).astype(int)
    proto = Histogram(
        min=low,
        max=high,
        num=values.size,
        sum=values.sum(),
        sum_squares=values @ values,
        bucket_limit=low + width * STEPS,
        bucket=np.bincount(places, minlength=N_BUCKETS),
    )
    return Summary.Value(tag=tag, histo=proto)


def picture(tag: str, figure):
    """A figure of Matplotlib's as it looks now."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=RESOLUTION)
    width, height = (round(inches * RESOLUTION) for inches in figure.get_size_inches())
    image = Summary.Image(
        height=height, width=width, colorspace=4, encoded_image_string=buffer.getvalue()
    )  # 4 is RGBA
    return Summary.Value(tag=tag, image=image)
