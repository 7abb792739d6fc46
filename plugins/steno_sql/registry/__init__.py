"""The registry of models in the database: its tables, models, versions and the trail of every change."""
