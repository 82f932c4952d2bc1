"""Uploads made to do harm, or broken on the way. Every case is made from a seed; nothing is kept on disk."""
