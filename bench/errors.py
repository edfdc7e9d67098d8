"""The one error of the benchmarks: a measurement that could not be made."""


class BenchFailed(Exception):
    """A measurement could not be made; the message says what was expected and where to look."""
