"""From a photo to a probability map and a cut-out."""
