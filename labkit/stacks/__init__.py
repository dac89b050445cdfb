"""A CloudFormation stack: deploy it, follow its events, name the first cause, delete it."""

from labkit.stacks.causes import first_cause
from labkit.stacks.change_sets import Change, ChangeSet, deploy, execute, plan
from labkit.stacks.events import Event, events
from labkit.stacks.hints import hint
from labkit.stacks.operations import delete, follow
from labkit.stacks.owner import check_owner
from labkit.stacks.stack import LAB_PARAMETERS, Stack, describe, every, lab_stacks, resources
from labkit.stacks.states import find, look_for
from labkit.template import TEMPLATE, resource_text

__all__ = [
    "LAB_PARAMETERS",
    "TEMPLATE",
    "Change",
    "ChangeSet",
    "Event",
    "Stack",
    "check_owner",
    "delete",
    "deploy",
    "describe",
    "events",
    "every",
    "execute",
    "find",
    "first_cause",
    "follow",
    "hint",
    "lab_stacks",
    "look_for",
    "plan",
    "resource_text",
    "resources",
]
