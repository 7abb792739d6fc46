"""Runs migrations on the connection that `steno_sql.versions` (or a developer's script) hands over."""

from __future__ import annotations

from alembic import context
from steno_sql.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
