"""The sections of the Label page."""
