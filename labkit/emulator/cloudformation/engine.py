"""Makes and deletes the resources of one stack, in the order of what needs what.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from typing import Any

from labkit.emulator.cloudformation import failures, graph, intrinsics
from labkit.emulator.cloudformation.failures import FAILURES, Failure
from labkit.emulator.cloudformation.intrinsics import Scope
from labkit.emulator.cloudformation.providers import PROVIDERS
from labkit.emulator.cloudformation.providers.provider import Context
from labkit.emulator.cloudformation.records import DELETED, ResourceRecord, StackRecord
from labkit.emulator.cloudformation.schema import schemas
from labkit.emulator.cloudformation.surroundings import parameter_store
from labkit.emulator.cloudformation.validation import ValidationError
from labkit.emulator.upstream import Clients

log = logging.getLogger(__name__)

_HANDLER_NAMES = {"ec2": "Ec2", "iam": "Iam", "logs": "CloudWatchLogs", "s3": "S3", "ssm": "Ssm"}

CREATING = "CREATE_IN_PROGRESS"
INTERNAL = "Internal Failure"

_ON_FAILURE = {
    "DO_NOTHING": ("CREATE_FAILED", "", "", ""),
    "ROLLBACK": (
        "ROLLBACK_IN_PROGRESS",
        "Rollback requested by user.",
        "ROLLBACK_COMPLETE",
        "ROLLBACK_FAILED",
    ),
    "DELETE": ("DELETE_IN_PROGRESS", "Delete requested by user.", DELETED, "DELETE_FAILED"),
}
"""OnFailure -> the next status, the end of its reason, the last status: if done, and if not."""


class Engine:
    """Works on one stack. `create` and `delete` run to the end, in a thread of the stack's own.

    Resources are made one after another. AWS makes those at once that do not need each other; the
    order among them is not promised there either.
    """

    def __init__(self, stack: StackRecord, outer: Clients, pseudo: Mapping[str, Any]):
        self.stack = stack
        self._outer = outer
        template = stack.template
        values = {key: parameter.value for key, parameter in stack.parameters.items()}
        self._scope = Scope(
            values={**pseudo, **values},
            mappings=template.mappings,
            conditions=template.conditions,
            ref=self._ref,
            attribute=self._attribute,
            zones=self._zones,
            fetch=parameter_store(outer, stack.region),
        )
        self._wanted = {
            name: resource
            for name, resource in template.resources.items()
            if resource.condition is None or intrinsics.holds(resource.condition, self._scope)
        }
        self._needs = graph.dependencies(self._wanted.values(), self._holds)
        self._order = graph.order(self._needs)

    def create(self) -> None:
        """Make all resources and the outputs; on failure do what OnFailure says.

        Stops early, and leaves the rest to `delete`, once the stack is no longer being created.
        """
        try:
            failed = self._create_resources()
            if failed:
                self._give_up(f"The following resource(s) failed to create: [{failed}]. ")
            elif self.stack.status == CREATING:
                self.stack.outputs = self._outputs()
                self.stack.note("CREATE_COMPLETE", coming_from=CREATING)
        except FAILURES as failure:  # of an output
            self._give_up(f"{failures.reason(failure, 'CloudFormation')}. ")
        except Exception:
            log.exception("Creating %s", self.stack.name)
            self._give_up(f"{INTERNAL}. ")

    def delete(self, retain: Collection[str] = (), *, force: bool = False) -> None:
        """Delete all resources but those to retain; `force` leaves what cannot be deleted."""
        try:
            failed = self._delete_resources(retain, force=force, rolls_back=False)
        except Exception:
            log.exception("Deleting %s", self.stack.name)
            self.stack.note("DELETE_FAILED", INTERNAL)
            return
        if failed:
            self.stack.note("DELETE_FAILED", _failed_to_delete(failed))
        else:
            self.stack.note(DELETED)

    def _create_resources(self) -> str | None:
        """Return the name of the resource that failed, if one did."""
        for name in self._order:
            if self.stack.status != CREATING:
                return None
            if not self._create_resource(name):
                return name
        return None

    def _create_resource(self, name: str) -> bool:
        declared = self._wanted[name]
        record = ResourceRecord(name, declared.type, declared.deletion_policy)
        self.stack.note_resource(record, "CREATE_IN_PROGRESS")

        def create() -> None:
            record.properties = self._properties(name)
            provider = PROVIDERS[declared.type]
            record.attributes = provider.create(self._context(record), record.properties)

        reason = _reason_why_not(create, record)
        status = "CREATE_FAILED" if reason else "CREATE_COMPLETE"
        self.stack.note_resource(record, status, reason)
        return reason is None

    def _properties(self, name: str) -> dict[str, Any]:
        declared = self._wanted[name]
        schema = schemas()[declared.type]
        properties = schema.coerce(intrinsics.resolve(declared.properties, self._scope))
        problems = schema.problems(properties)
        if problems:
            raise failures.properties_invalid(name, problems)
        return properties

    def _context(self, record: ResourceRecord) -> Context:
        stack = self.stack

        def exists(physical_id: str) -> None:
            record.physical_id = physical_id
            stack.note_resource(record, "CREATE_IN_PROGRESS", "Resource creation Initiated")

        schema = schemas()[record.type]
        own = {
            "aws:cloudformation:stack-name": stack.name,
            "aws:cloudformation:stack-id": stack.id,
            "aws:cloudformation:logical-id": record.logical_id,
        }
        return Context(
            client=lambda service: self._outer(service, stack.region),
            stack_name=stack.name,
            logical_id=record.logical_id,
            region=stack.region,
            tags=stack.options.tags,
            system_tags=own if schema.system_tags else {},
            exists=exists,
        )

    def _give_up(self, reason: str) -> None:
        coming, wish, done, undone = _ON_FAILURE[self.stack.options.on_failure]
        if not self.stack.note(coming, f"{reason}{wish}", coming_from=CREATING) or not done:
            return
        failed = self._delete_resources((), force=False, rolls_back=True)
        self.stack.note(undone, _failed_to_delete(failed)) if failed else self.stack.note(done)

    def _delete_resources(
        self, retain: Collection[str], *, force: bool, rolls_back: bool
    ) -> list[str]:
        """Return the names of the resources that could not be deleted."""
        kept = {"Retain"} if rolls_back else {"Retain", "RetainExceptOnCreate"}
        failed: list[str] = []
        for name in reversed(self._order):
            record = self.stack.resources.get(name)
            if record is None or not record.is_there or self._is_needed_still(name):
                continue
            if name in retain or record.deletion_policy in kept:
                self.stack.note_resource(record, "DELETE_SKIPPED")
            elif not self._delete_resource(record):
                if force:
                    self.stack.note_resource(record, "DELETE_SKIPPED", record.reason)
                else:
                    failed.append(name)
        return failed

    def _is_needed_still(self, name: str) -> bool:
        """Return whether what needs a resource could not be deleted: AWS does not try it then."""
        users = (user for user, needs in self._needs.items() if name in needs)
        records = (self.stack.resources.get(user) for user in users)
        return any(record and record.is_there for record in records)

    def _delete_resource(self, record: ResourceRecord) -> bool:
        reason = None
        if record.physical_id:
            self.stack.note_resource(record, "DELETE_IN_PROGRESS")
            provider, context = PROVIDERS[record.type], self._context(record)
            reason = _reason_why_not(
                lambda: provider.delete(context, record.physical_id, record.properties),
                record,
                tolerates=failures.is_gone,
            )
        self.stack.note_resource(record, "DELETE_FAILED" if reason else DELETED, reason)
        return reason is None

    def _outputs(self) -> list[dict[str, Any]]:
        outputs = self.stack.template.outputs
        return [
            self._output(key, output)
            for key, output in outputs.items()
            if "Condition" not in output or self._holds(output["Condition"])
        ]

    def _output(self, key: str, output: dict[str, Any]) -> dict[str, Any]:
        value = intrinsics.resolve(output["Value"], self._scope)
        if isinstance(value, list | dict):
            raise ValidationError(
                "Template format error: The Value field of every Outputs member must evaluate to "
                f"a String. [{key}]"
            )
        shown = {"OutputKey": key, "OutputValue": str(value)}
        if "Description" in output:
            shown["Description"] = output["Description"]
        if "Export" in output:
            shown["ExportName"] = intrinsics.resolve(output["Export"]["Name"], self._scope)
        return shown

    def _holds(self, condition: str) -> bool:
        return intrinsics.holds(condition, self._scope)

    def _ref(self, name: str) -> str:
        return self._made(name).physical_id

    def _attribute(self, name: str, attribute: str) -> Any:
        value = self._made(name).attributes[attribute]
        return value() if callable(value) else value

    def _made(self, name: str) -> ResourceRecord:
        if name not in self._wanted:  # its condition does not hold
            raise ValidationError(
                f"Template format error: Unresolved resource dependencies [{name}] in the "
                "Resources block of the template"
            )
        return self.stack.resources[name]

    def _zones(self, region: str) -> list[str]:
        available = [{"Name": "state", "Values": ["available"]}]
        zones = self._outer("ec2", region).describe_availability_zones(Filters=available)
        return sorted(zone["ZoneName"] for zone in zones["AvailabilityZones"])


def _reason_why_not(
    work: Callable[[], None],
    record: ResourceRecord,
    tolerates: Callable[[Failure], bool] = lambda _: False,
) -> str | None:
    """Do a provider's work on a resource; return why it failed, if it did."""
    try:
        work()
    except FAILURES as failure:
        name = record.type.split("::")[1]
        service = _HANDLER_NAMES.get(name.lower(), name)
        return None if tolerates(failure) else failures.reason(failure, service)
    except Exception:
        log.exception("The provider of %s", record.type)
        return INTERNAL
    return None


def _failed_to_delete(names: list[str]) -> str:
    return f"The following resource(s) failed to delete: [{', '.join(names)}]. "
