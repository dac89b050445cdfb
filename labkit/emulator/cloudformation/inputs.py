"""The parameters of a stack, held against what there is in its account and against its rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from labkit.emulator.cloudformation import parameters
from labkit.emulator.cloudformation.account import Account
from labkit.emulator.cloudformation.parameters import Parameter
from labkit.emulator.cloudformation.rules import Facts, assert_rules
from labkit.emulator.cloudformation.surroundings import parameter_store, pseudo_parameters
from labkit.emulator.cloudformation.template import Template
from labkit.emulator.upstream import Clients


def read(
    template: Template,
    given: Iterable[Mapping[str, Any]],
    *,
    arn: str,
    outer: Clients,
    previous: Mapping[str, Parameter] | None = None,
) -> dict[str, Parameter]:
    """Return every parameter of a template with its value, for the stack of an id.

    Args:
        template: checked.
        given: as CreateStack takes them.
        arn: the stack's id, which names Region and account.
        outer: clients, for what parameters of AWS's own types name.
        previous: the stack's parameters so far, for UsePreviousValue.

    Raises:
        ValidationError: a parameter, or a rule for them all, is not met.
    """
    region = arn.split(":")[3]
    account = Account(outer, region)
    found = parameters.read(
        template.parameters,
        given,
        parameter_store(outer, region),
        exists=account.exists,
        previous=previous,
    )
    if template.rules:
        values = {key: parameter.value for key, parameter in found.items()}
        types = {key: declared["Type"] for key, declared in template.parameters.items()}
        facts = Facts({**pseudo_parameters(arn), **values}, types, account.every, account.attribute)
        assert_rules(template, facts)
    return found
