"""How good a model is: scores image by image, kept for looking at, with how sure they are."""
