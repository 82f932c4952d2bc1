"""Export of a saved model to files that other programs run, each checked against the model."""
