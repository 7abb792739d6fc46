"""The registry: models, versions, aliases, and the trail of their changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _times() -> list[sa.Column[int]]:
    names = ("creation_timestamp", "last_updated_timestamp")
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def _owner(column: str, table: str) -> tuple[sa.Column[int], sa.ForeignKeyConstraint]:
    key = sa.ForeignKeyConstraint([column], [f"{table}.id"], ondelete="CASCADE")
    return sa.Column(column, _id, nullable=False), key


def upgrade() -> None:
    _models()
    _versions()
    _tags("registered_model_tags", "model", "registered_models")
    _tags("model_version_tags", "version", "model_versions")
    _aliases()
    _trail()


def _models() -> None:
    op.create_table(
        "registered_models",
        sa.Column("id", _id, primary_key=True),
        *_text("name", "description"),
        sa.Column("versions", sa.Integer, nullable=False),
        *_times(),
        sa.UniqueConstraint("name"),
        sqlite_autoincrement=True,
    )


def _versions() -> None:
    op.create_table(
        "model_versions",
        sa.Column("id", _id, primary_key=True),
        *_owner("model", "registered_models"),
        sa.Column("version", sa.Integer, nullable=False),
        *_text("source", "location", "run_id", "model_id", "current_stage", "description", "user_id"),
        *_text("status", "status_message", "run_link"),
        *_times(),
        sa.UniqueConstraint("model", "version"),
    )
    op.create_index("ix_model_versions_run_id", "model_versions", ["run_id"])
    op.create_index("ix_model_versions_stage", "model_versions", ["model", "current_stage", "version"])


def _tags(table: str, column: str, owner: str) -> None:
    op.create_table(
        table,
        *_owner(column, owner),
        *_text("key", "value"),
        sa.PrimaryKeyConstraint(column, "key"),
        sqlite_with_rowid=False,
    )


def _aliases() -> None:
    op.create_table(
        "model_aliases",
        *_owner("model", "registered_models"),
        *_text("alias"),
        *_owner("version", "model_versions"),
        sa.PrimaryKeyConstraint("model", "alias"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_model_aliases_version", "model_aliases", ["version"])


def _trail() -> None:
    op.create_table(
        "registered_model_names",
        *_text("name"),
        sa.Column("model", _id, nullable=False),
        sa.PrimaryKeyConstraint("name", "model"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "registry_events",
        sa.Column("number", _id, primary_key=True),
        sa.Column("model", _id, nullable=False),
        sa.Column("time_ms", sa.BigInteger, nullable=False),
        *_text("user", "name", "version", "change", "key"),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_registry_events_model", "registry_events", ["model"])
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER registry_events_no_{verb.lower()} BEFORE {verb} ON registry_events "
            "BEGIN SELECT RAISE(ABORT, 'the trail of the registry is only ever added to'); END"
        )
