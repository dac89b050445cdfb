"""What stands for each type that AWS knows and the emulator does not make."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.emulator.cloudformation.known_types import refusal
from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    HandlerError,
    Properties,
    Provider,
)


class NotMade(Provider):
    """Refuses, with the reason, at the moment when the resource should be made."""

    honors = ()
    attributes = ()

    def __init__(self, type_name: str, made: Iterable[str]):
        self.type = type_name
        self._made = made

    def create(self, context: Context, properties: Properties) -> Attributes:
        raise HandlerError(refusal(self.type, self._made), "InvalidRequest")

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Nothing was made."""
