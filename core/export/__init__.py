"""Ways out: a saved model as files that other programs run, each checked against the model itself."""
