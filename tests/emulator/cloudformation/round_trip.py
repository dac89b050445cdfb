"""Takes one resource type through its life on the real emulator: made, told, changed, deleted."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from labkit.emulator.cloudformation.document import load
from labkit.emulator.cloudformation.intrinsics import Scope, resolve
from labkit.emulator.cloudformation.providers import PROVIDERS
from labkit.emulator.cloudformation.providers.provider import Context
from labkit.emulator.cloudformation.schema import schemas

REGION = "us-east-1"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Case:
    """One type, with what a template says of it and what the API then shows.

    Attributes:
        type: of the resource `It`.
        properties: of it, as YAML.
        look: asks the API about it: of a session and the physical id, a comparable value.
        shows: what `look` shows after the creation; may be a function of the names made.
        ref: what Ref yields, as a function of the names made, or a text that it starts with.
        changed: its properties after the update, if it can be changed.
        shows_then: what `look` shows after that.
        beside: other resources, as YAML.
        after: the one of them that has to be there first, and that no property names.
        attributes: what GetAtt yields: a text, or a function of the names made.
        remains: what `look` shows after the deletion, where it does not say NotFound.
    """

    type: str
    properties: str
    look: Callable[[Any, str], Any]
    shows: Any
    ref: Any
    changed: str | None = None
    shows_then: Any = None
    beside: str = ""
    after: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    remains: Any = None


def settled(cloudformation, name):
    give_up_at = time.monotonic() + 60
    while True:
        [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            return stack
        assert time.monotonic() < give_up_at, stack
        time.sleep(0.02)


def failures(cloudformation, name):
    """Return (logical id, reason) of all that failed, the first one first."""
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"][::-1]
    return [
        (event["LogicalResourceId"], event.get("ResourceStatusReason", ""))
        for event in events
        if event["ResourceStatus"].endswith("FAILED")
    ]


def create(cloudformation, body, **options):
    """Create a stack with a name of its own; return it once it settled."""
    name = f"round-trip-{next(_numbers)}"
    asked = {"Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"], **options}
    cloudformation.create_stack(StackName=name, TemplateBody=body, **asked)
    return settled(cloudformation, name)


def delete(cloudformation, stack):
    cloudformation.delete_stack(StackName=stack["StackName"])
    gone = settled(cloudformation, stack["StackId"])
    assert gone["StackStatus"] == "DELETE_COMPLETE", failures(cloudformation, stack["StackId"])


def go(session, case):
    """Take a case through its life, asserting at each step."""
    cloudformation = session.client("cloudformation")
    asked = {name: f"!GetAtt 'It.{name}'" for name in case.attributes}
    outputs = "".join(
        f"  O{n}: {{Value: {value}}}\n" for n, value in enumerate(["!Ref It", *asked.values()])
    )
    after = f", DependsOn: {case.after}" if case.after else ""
    it = f"{{Type: {case.type}, Properties: {case.properties}{after}}}"
    body = f"Resources:\n{case.beside}\n  It: {it}\n"
    stack = create(cloudformation, f"{body}Outputs:\n{outputs}")
    assert stack["StackStatus"] == "CREATE_COMPLETE", failures(cloudformation, stack["StackId"])
    names = physical_ids(cloudformation, stack)
    yielded = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    assert _fits(case.ref, names, yielded["O0"]), yielded["O0"]
    assert yielded["O0"] == names["It"]
    for n, (name, wanted) in enumerate(case.attributes.items(), 1):
        assert _fits(wanted, names, yielded[f"O{n}"]), (name, yielded[f"O{n}"])
    assert case.look(session, names["It"]) == _expected(case.shows, names)
    if case.changed is not None:
        change(session, stack, case.type, names, case.properties, case.changed)
        assert case.look(session, names["It"]) == _expected(case.shows_then, names)
        change(session, stack, case.type, names, case.changed, case.properties)
        assert case.look(session, names["It"]) == _expected(case.shows, names)
    delete(cloudformation, stack)
    assert _look_for_the_last_time(case, session, names) == case.remains


def physical_ids(cloudformation, stack):
    resources = cloudformation.describe_stack_resources(StackName=stack["StackId"])
    return {
        item["LogicalResourceId"]: item.get("PhysicalResourceId", "")
        for item in resources["StackResources"]
    }


def change(session, stack, kind, names, old, new):
    """Let the provider change the resource, as the engine lets it: with all functions resolved."""
    provider, schema = PROVIDERS[kind], schemas()[kind]
    scope = Scope(
        {"AWS::AccountId": "123456789012"},
        {},
        {},
        ref=names.__getitem__,
        attribute=lambda name, _: arn(session, name, names),
        zones=lambda _: [],
        fetch=lambda name: session.client("ssm").get_parameter(Name=name)["Parameter"]["Value"],
    )
    before, after = (schema.coerce(resolve(load(f"x: {text}")["x"], scope)) for text in (old, new))
    assert schema.problems(after) == []
    differ = {key for key in {*before, *after} if before.get(key) != after.get(key)}
    assert differ <= provider.in_place, "the engine would not call update for these"
    context = Context(session.client, stack["StackName"], "It", REGION, {}, {}, lambda _: None)
    attributes = provider.update(context, names["It"], before, after)
    assert {*attributes} >= {name for name in provider.attributes}


def arn(session, name, names):
    return session.client("iam").get_role(RoleName=names[name])["Role"]["Arn"]


def _fits(wanted, names, found):
    wanted = wanted(names) if callable(wanted) else wanted
    return found.startswith(wanted)


def _expected(shows, names):
    return shows(names) if callable(shows) else shows


def _look_for_the_last_time(case, session, names):
    try:
        return case.look(session, names["It"])
    except ClientError as error:
        code = error.response["Error"]["Code"]
        assert "NotFound" in code or "NoSuch" in code or code == "InvalidRequestException", code
        return None
    except (IndexError, StopIteration):  # it is not among those that are listed
        return None


def tags(items):
    """Return tags without those of CloudFormation."""
    named = {item["Key"]: item["Value"] for item in items}
    return {key: value for key, value in named.items() if not key.startswith("aws:")}
