"""Event files for TensorBoard while a model is trained."""

from .. import engine  # noqa: F401  # starts TensorFlow, before any other import of it
