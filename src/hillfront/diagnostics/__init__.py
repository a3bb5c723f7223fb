"""Whether to believe a fit: checks of the sampler and of the model, each with its bound and the next step."""
