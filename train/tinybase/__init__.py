"""The tiny base model of the demo: an invented support world, and the run that makes the weights."""
