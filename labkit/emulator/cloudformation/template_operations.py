"""The operations on templates."""

from __future__ import annotations

from typing import Any

from labkit.emulator.cloudformation import descriptions
from labkit.emulator.cloudformation.change_sets import ChangeSets
from labkit.emulator.cloudformation.proposals import Proposals
from labkit.emulator.cloudformation.records import REVIEWED
from labkit.emulator.cloudformation.registry import Registry
from labkit.emulator.cloudformation.template import Template
from labkit.emulator.cloudformation.validation import ValidationError
from labkit.emulator.operations import Call, Operation


class TemplateOperations:
    """Validates templates, and shows those of stacks and change sets."""

    def __init__(self, registry: Registry, proposals: Proposals, change_sets: ChangeSets):
        self._registry = registry
        self._proposals = proposals
        self._change_sets = change_sets

    def operations(self) -> dict[str, Operation]:
        """Return the operations by name."""
        return {
            "GetTemplate": self._get_template,
            "GetTemplateSummary": self._get_template_summary,
            "ValidateTemplate": self._validate_template,
        }

    def _get_template(self, call: Call) -> dict[str, Any]:
        """Return the text as it was; as there are no transforms, it is so in both stages."""
        if call.parameters.get("ChangeSetName"):
            template = self._change_sets.existing(call).evaluation.template
        else:
            template = self._of_stack(call)
        return {"TemplateBody": template.body, "StagesAvailable": ["Original", "Processed"]}

    def _get_template_summary(self, call: Call) -> dict[str, Any]:
        if call.parameters.get("StackSetName"):
            raise ValidationError("The emulator does not emulate stack sets.")
        if call.parameters.get("StackName"):
            return descriptions.template_summary(self._of_stack(call))
        template = self._proposals.template(call.parameters, call.region)
        return descriptions.template_summary(template)

    def _validate_template(self, call: Call) -> dict[str, Any]:
        template = self._proposals.template(call.parameters, call.region)
        return descriptions.template(template)

    def _of_stack(self, call: Call) -> Template:
        stack = self._registry.existing(call)
        if stack.status == REVIEWED:
            raise ValidationError(
                f"Stack [{stack.name}] has no template before its change set is executed"
            )
        return stack.template
