"""The parts of the Segment page."""
