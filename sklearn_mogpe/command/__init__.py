"""The command ``sklearn-mogpe``: what is trained, on which data, is said in a TOML file."""
