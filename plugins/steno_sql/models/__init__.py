"""Logged models: entities with an id, files, params, tags and metrics of their own."""
