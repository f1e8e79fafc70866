"""Where training begins: a single Gaussian process, divisions of the rows, and a race of starts."""
