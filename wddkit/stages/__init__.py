"""The stages of the pipeline: squeeze, recover, relabel, evaluate."""
