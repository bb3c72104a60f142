"""How good the searches are: our own and optuna's on the same problems, within the same number of trials."""
