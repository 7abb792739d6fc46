"""Writers know their run, so that purging it takes them along."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("offsets", table_kwargs={"sqlite_with_rowid": False}) as offsets:
        offsets.add_column(sa.Column("run", _id))
        offsets.create_foreign_key("fk_offsets_run", "runs", ["run"], ["id"], ondelete="CASCADE")
        offsets.create_index("ix_offsets_run", ["run"])
