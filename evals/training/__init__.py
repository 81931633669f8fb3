"""Scripts that make the weights in the repository. None is run by the product, the tests or ``make eval``."""
