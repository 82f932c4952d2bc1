"""A plan for a training: what the data are like, what the machine can do in the time, and what follows."""
