"""Rounding of drawn numbers."""


def six_digits(value: float) -> float:
    """The value rounded to six significant digits, as it is written in scenario files."""
    return float(f"{value:.6g}")
