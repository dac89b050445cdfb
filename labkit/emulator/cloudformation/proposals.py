"""From a request to what it wants of a stack: the template, evaluated, and the options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labkit.emulator.cloudformation import inputs, requests, surroundings, template_urls
from labkit.emulator.cloudformation.changes import Comparison
from labkit.emulator.cloudformation.evaluation import Evaluation
from labkit.emulator.cloudformation.exports import Exports
from labkit.emulator.cloudformation.providers.provider import Context, Properties
from labkit.emulator.cloudformation.records import Clock, Options, StackRecord
from labkit.emulator.cloudformation.template import Template
from labkit.emulator.cloudformation.validation import ValidationError
from labkit.emulator.operations import Call
from labkit.emulator.upstream import Clients

Given = list[dict[str, Any]]


class Proposals:
    """Reads requests; nothing is made or kept yet.

    Args:
        outer: clients, for what a template asks of its surroundings.
        exports: all exports.
        clock: seconds since 1970.
    """

    def __init__(self, outer: Clients, exports: Exports, clock: Clock):
        self._outer = outer
        self._exports = exports
        self._clock = clock

    def template(self, asked: dict[str, Any], region: str) -> Template:
        """Return the template of a request; see `requests.template_of`."""
        return requests.template_of(
            asked, lambda url: template_urls.fetch(self._outer, region, url)
        )

    def stack(self, call: Call, template: Template, options: Options) -> StackRecord:
        """Return a new stack that nothing knows of yet."""
        name = call.parameters["StackName"]
        partition = self._outer("ec2", call.region).meta.partition
        return StackRecord(
            arn=surroundings.stack_id(call, name, partition),
            name=name,
            region=call.region,
            template=template,
            parameters={},
            options=options,
            token=call.parameters.get("ClientRequestToken"),
            clock=self._clock,
        )

    def new(self, call: Call, stack: StackRecord | None = None) -> tuple[Evaluation, Options]:
        """Return what CreateStack asks for, or a change set that shall make a stack.

        Args:
            call: the request.
            stack: one without resources that waits for its first change set.
        """
        asked = call.parameters
        requests.check_name(asked["StackName"])
        requests.refuse_unknown_options(asked, call.operation)
        options = requests.options_of(asked)
        template = self.template(asked, call.region)
        requests.check_capabilities(template, options.capabilities)
        stack = stack or self.stack(call, template, options)
        return self._evaluation(stack, template, asked.get("Parameters", [])), options

    def update(self, stack: StackRecord, call: Call) -> tuple[Evaluation, Options]:
        """Return what UpdateStack or CreateChangeSet asks of a stack."""
        asked = call.parameters
        requests.refuse_unknown_options(asked, call.operation)
        if asked.get("UsePreviousTemplate"):
            if asked.get("TemplateBody") or asked.get("TemplateURL"):
                raise ValidationError(
                    "You cannot specify both usePreviousTemplate and Template Body/Template URL."
                )
            template = stack.template
        else:
            template = self.template(asked, stack.region)
        options = requests.updated_options(stack.options, asked)
        requests.check_capabilities(template, options.capabilities)
        _check_types(stack, template)
        given = asked.get("Parameters", [])
        requests.check_values(given)
        return self._evaluation(stack, template, given), options

    def nested(self, parent: StackRecord, context: Context, properties: Properties) -> Evaluation:
        """Return what the resource of a nested stack asks for."""
        template = self._nested_template(parent, properties)
        tags = {tag["Key"]: tag["Value"] for tag in context.tag_list(properties, system=False)}
        name = context.name(128)
        stack = StackRecord(
            arn=surroundings.nested_stack_id(parent.id, name),
            name=name,
            region=parent.region,
            template=template,
            parameters={},
            options=Options(
                on_failure=parent.options.on_failure,
                capabilities=parent.options.capabilities,
                tags=tags,
            ),
            token=parent.token,
            clock=self._clock,
            parent=parent,
        )
        evaluation = self._evaluation(stack, template, _nested_parameters(properties))
        stack.parameters = evaluation.parameters
        return evaluation

    def nested_update(
        self, child: StackRecord, context: Context, properties: Properties
    ) -> tuple[Evaluation, Options]:
        """Return what the changed resource of a nested stack asks for."""
        assert child.parent is not None
        requests.check_updatable(child, keeps=True)
        template = self._nested_template(child.parent, properties)
        _check_types(child, template)
        tags = requests.tags_of(context.tag_list(properties, system=False))
        capabilities = child.parent.options.capabilities
        options = Options(child.options.on_failure, capabilities, tags=tags)
        return self._evaluation(child, template, _nested_parameters(properties)), options

    def changes_anything(self, evaluation: Evaluation, options: Options) -> bool:
        """Return whether an update would do anything at all."""
        comparison = Comparison(evaluation, options.tags)
        return (
            options.tags != evaluation.stack.options.tags
            or bool(comparison.changes())
            or comparison.outputs_differ()
        )

    def _nested_template(self, parent: StackRecord, properties: Properties) -> Template:
        asked = {"TemplateURL": properties["TemplateURL"]}
        template = self.template(asked, parent.region)
        requests.check_capabilities(template, parent.options.capabilities)
        return template

    def _evaluation(self, stack: StackRecord, template: Template, given: Given) -> Evaluation:
        values = inputs.read(
            template, given, arn=stack.id, outer=self._outer, previous=stack.parameters
        )
        export = self._exports.lookup(stack.region)
        return Evaluation(stack, template, values, self._outer, export)


def _check_types(stack: StackRecord, template: Template) -> None:
    """Refuse to turn a resource into one of another type.

    Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html
    """
    changed = [
        name
        for name, record in stack.resources.items()
        if name in template.resources and template.resources[name].type != record.type
    ]
    if changed:
        raise ValidationError(
            "Update of resource type is not permitted. The new template modifies resource type of "
            f"the following resources: [{', '.join(changed)}]"
        )


def _nested_parameters(properties: Properties) -> Given:
    return [
        {"ParameterKey": key, "ParameterValue": _text(key, value)}
        for key, value in properties.get("Parameters", {}).items()
    ]


def _text(key: str, value: Any) -> str:
    if isinstance(value, Mapping):
        raise ValidationError(
            "Value of property Parameters must be an object with String (or simple type) "
            f"properties [{key}]"
        )
    if isinstance(value, list):
        return ",".join(_text(key, item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
