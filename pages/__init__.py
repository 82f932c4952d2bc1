"""The pages: layout and words. What they show is computed in core."""
