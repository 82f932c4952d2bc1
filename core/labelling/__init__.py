"""Proposals for masks from clicks, strokes and boxes, and the order in which photos are worth labelling."""
