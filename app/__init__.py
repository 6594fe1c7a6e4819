"""The one place where settings, models and the pipeline are put together."""
