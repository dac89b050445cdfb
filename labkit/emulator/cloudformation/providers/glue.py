"""Databases and tables of the Glue Data Catalog."""

from __future__ import annotations

from typing import Any

from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    HandlerError,
    Properties,
    Provider,
    picked,
)


class Database(Provider):
    type = "AWS::Glue::Database"
    honors = ("CatalogId", "DatabaseInput", "DatabaseName")
    attributes = ()
    in_place = frozenset({"DatabaseInput"})

    def create(self, context: Context, properties: Properties) -> Attributes:
        wanted = properties["DatabaseInput"]
        name = properties.get("DatabaseName") or wanted.get("Name")
        name = name or context.name(255, lower=True)
        context.client("glue").create_database(
            DatabaseInput={**wanted, "Name": name}, **picked(properties, "CatalogId")
        )
        context.exists(name)
        return {}

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        wanted = _renamed_not("DatabaseInput", physical_id, new["DatabaseInput"])
        context.client("glue").update_database(
            Name=physical_id, DatabaseInput=wanted, **picked(new, "CatalogId")
        )
        return {}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        catalog = picked(properties, "CatalogId")
        context.client("glue").delete_database(Name=physical_id, **catalog)


class Table(Provider):
    type = "AWS::Glue::Table"
    honors = ("CatalogId", "DatabaseName", "Name", "TableInput")
    attributes = ()
    in_place = frozenset({"TableInput"})

    def create(self, context: Context, properties: Properties) -> Attributes:
        wanted = properties.get("TableInput", {})
        name = properties.get("Name") or wanted.get("Name") or context.name(255, lower=True)
        context.client("glue").create_table(
            TableInput={**wanted, "Name": name}, **picked(properties, "CatalogId", "DatabaseName")
        )
        context.exists(name)
        return {}

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        wanted = _renamed_not("TableInput", physical_id, new.get("TableInput", {}))
        where = picked(new, "CatalogId", "DatabaseName")
        context.client("glue").update_table(TableInput=wanted, **where)
        return {}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        where = picked(properties, "CatalogId", "DatabaseName")
        context.client("glue").delete_table(Name=physical_id, **where)


def _renamed_not(what: str, name: str, wanted: Properties) -> dict[str, Any]:
    """Return the input with the name that the resource has.

    Raises:
        HandlerError: it has another: that would be another resource.
    """
    if wanted.get("Name", name).lower() != name.lower():
        raise HandlerError(
            f"{what}.Name cannot be changed in place: give the resource another logical id.",
            "NotUpdatable",
        )
    return {**wanted, "Name": name}
