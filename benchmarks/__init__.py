"""What is fast, measured: each module prints its table; ``nox -s bench`` runs them."""
