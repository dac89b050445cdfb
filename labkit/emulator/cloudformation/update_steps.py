"""What an update did to one resource, so that it can be taken back or cleaned up."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from labkit.emulator.cloudformation.records import ResourceRecord

ADDED, REPLACED, CHANGED, REFUSED, KEPT = "added", "replaced", "changed", "refused", "kept"


@dataclass(slots=True)
class Step:
    """What an update did to one resource.

    Attributes:
        kind: ADDED, REPLACED, CHANGED in place, REFUSED before anything was done, or KEPT.
        record: the resource as it is now.
        before: a copy of it as it was; None if it was added.
        after: a copy of it as the update left it, once it is being rolled back.
    """

    kind: str
    record: ResourceRecord
    before: ResourceRecord | None
    after: ResourceRecord | None = None

    @property
    def has_another(self) -> bool:
        """Whether there is another resource now, beside the one that was there before."""
        return self.before is not None and self.record.physical_id != self.before.physical_id

    @property
    def replaced(self) -> ResourceRecord | None:
        """The resource that was replaced: deleted unless its UpdateReplacePolicy says otherwise."""
        if self.kind != REPLACED or self.before is None or not self.has_another:
            return None
        return replace(self.before, deletion_policy=self.before.update_replace_policy)

    @property
    def replacement(self) -> ResourceRecord | None:
        """The resource that was made in the place of another, to be deleted at a rollback."""
        if self.kind != REPLACED or not self.has_another:
            return None
        return replace(self.record, deletion_policy="Delete")

    def restore(self) -> None:
        """Let the record say again what it said before."""
        for field in fields(ResourceRecord):
            setattr(self.record, field.name, getattr(self.before, field.name))
