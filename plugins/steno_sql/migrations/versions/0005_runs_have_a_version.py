"""Each write to a run raises its version, so that what was read of it is known to hold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("runs", sa.Column("version", sa.BigInteger, nullable=False, server_default="0"))
