"""Work on a Ray cluster: trainings, searches and predictions on several machines."""
