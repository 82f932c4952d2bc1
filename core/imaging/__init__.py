"""From a mask and a photo to pictures."""
