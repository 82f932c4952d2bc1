"""Everything of Segmentation Studio that also works without a browser."""

__version__ = "0.1.0"
