"""Event files for TensorBoard while a model is trained."""
