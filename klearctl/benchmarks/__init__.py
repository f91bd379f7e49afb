"""Numbers that say how good a model is: rewards of samples in, averages and their errors out."""
