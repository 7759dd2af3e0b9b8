"""The navigation tick: intake, filter, output predictor, state-vector update, warm restart."""
