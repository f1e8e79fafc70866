"""Natural gradients of Gaussian q in site form and in natural parameters."""
