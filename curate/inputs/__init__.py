"""A sample of deployment inputs beside the training part."""
