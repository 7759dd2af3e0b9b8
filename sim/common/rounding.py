"""Rounding of drawn numbers."""


def six_digits(value: float) -> float:
    """The value to six digits, as a scenario file has it."""
    return float(f"{value:.6g}")
