"""Physical constants that are no property of a scenario."""

STANDARD_GRAVITY_MPS2 = 9.80665
