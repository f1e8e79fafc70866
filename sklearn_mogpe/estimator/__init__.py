"""The estimators, their fitted state and what scikit-learn asks of them."""
