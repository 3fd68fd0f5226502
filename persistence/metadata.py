"""The metadata that all tables share, and the one way to declare a tenant's table."""

from sqlalchemy import Column, ForeignKeyConstraint, MetaData, PrimaryKeyConstraint, Table, Uuid
from sqlalchemy.schema import SchemaItem

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def tenant_table(name: str, *items: SchemaItem) -> Table:
    """Declare a table of tenants' rows, keyed by (tenant_id, id).

    The tenant leads every key, so that neither a unique violation nor a foreign key can tell one tenant
    about another's rows; the migration adds the row-level security policy.
    """
    return Table(
        name,
        metadata,
        Column("tenant_id", Uuid, nullable=False),
        Column("id", Uuid, nullable=False),
        *items,
        PrimaryKeyConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"], deferrable=True, initially="DEFERRED"),
    )


def belongs_to(column: str, parent: str, *, on_delete: str | None = None) -> ForeignKeyConstraint:
    """Reference a row of the same tenant; a row can never point across tenants.

    Checked at the commit, so that a transaction may write its rows in any order. `on_delete` is an action of SQL,
    such as CASCADE for rows that go with their parent.
    """
    return ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{parent}.tenant_id", f"{parent}.id"],
        ondelete=on_delete,
        deferrable=True,
        initially="DEFERRED",
    )
