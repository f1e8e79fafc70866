"""Models and estimators as plain data, in Python and in TOML files: read and checked without TensorFlow."""
