"""Training: from arrays to the state of a fitted mixture."""

from .. import engine  # noqa: F401  # starts TensorFlow, before any other import of it
