"""Training: from arrays to the state of a fitted mixture."""
