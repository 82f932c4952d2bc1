"""Models that run in browsers: prepared for them on the fly, served as pages, and shared in the network."""
