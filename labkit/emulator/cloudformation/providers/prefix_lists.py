"""Prefix lists of the customer's own."""

from __future__ import annotations

from typing import Any

from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    Properties,
    Provider,
    picked,
)
from labkit.emulator.cloudformation.providers.tags import retag


class PrefixList(Provider):
    type = "AWS::EC2::PrefixList"
    honors = ("AddressFamily", "Entries", "MaxEntries", "PrefixListName", "Tags")
    attributes = ("Arn", "OwnerId", "PrefixListId", "Version")
    in_place = frozenset({"Entries", "PrefixListName", "Tags"})

    def create(self, context: Context, properties: Properties) -> Attributes:
        ec2 = context.client("ec2")
        entries = properties.get("Entries", [])
        list_id = ec2.create_managed_prefix_list(
            **picked(properties, "AddressFamily", "PrefixListName"),
            Entries=entries,
            MaxEntries=properties.get("MaxEntries", max(1, len(entries))),
            TagSpecifications=context.tag_specifications("prefix-list", properties),
        )["PrefixList"]["PrefixListId"]
        context.exists(list_id)
        return _attributes(ec2, list_id)

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        ec2 = context.client("ec2")
        entries = ec2.get_managed_prefix_list_entries(PrefixListId=physical_id)["Entries"]
        wanted = new.get("Entries", [])
        changes = {
            "AddEntries": [entry for entry in wanted if entry not in entries],
            "RemoveEntries": [{"Cidr": entry["Cidr"]} for entry in entries if entry not in wanted],
        }
        ec2.modify_managed_prefix_list(
            PrefixListId=physical_id,
            PrefixListName=new["PrefixListName"],
            **{name: change for name, change in changes.items() if change},
        )
        retag(ec2, physical_id, old, new)
        return _attributes(ec2, physical_id)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("ec2").delete_managed_prefix_list(PrefixListId=physical_id)


def _attributes(ec2: Any, list_id: str) -> Attributes:
    answer = ec2.describe_managed_prefix_lists(PrefixListIds=[list_id])
    found = answer["PrefixLists"][0]
    return {
        "Arn": found["PrefixListArn"],
        "OwnerId": found["OwnerId"],
        "PrefixListId": list_id,
        "Version": found["Version"],
    }
