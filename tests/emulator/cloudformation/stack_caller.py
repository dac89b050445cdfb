"""Calls CloudFormation without a gateway between."""

import time
from dataclasses import replace


class Caller:
    """Calls the operations of CloudFormation as the gateway would."""

    def __init__(self, stacks, call):
        self._operations = stacks.operations()
        self._call = call

    def __call__(self, operation, *, region=None, **parameters):
        call = self._call("cloudformation", operation, **parameters)
        if region:
            call = replace(call, region=region)
        return self._operations["cloudformation", operation](call)

    def settled(self, name_or_id):
        """Return a stack once nothing is in progress."""
        give_up_at = time.monotonic() + 120
        while True:
            stack = self("DescribeStacks", StackName=name_or_id)["Stacks"][0]
            if not stack["StackStatus"].endswith("IN_PROGRESS") or (
                stack["StackStatus"] == "REVIEW_IN_PROGRESS"
            ):
                return stack
            assert time.monotonic() < give_up_at, stack
            time.sleep(0.005)

    def create(self, name, body, **parameters):
        """Create a stack and return it once it settled."""
        parameters.setdefault("Capabilities", ["CAPABILITY_IAM"])
        stack_id = self("CreateStack", StackName=name, TemplateBody=body, **parameters)["StackId"]
        return self.settled(stack_id)

    def update(self, name, body=None, **parameters):
        """Update a stack and return it once it settled."""
        parameters.setdefault("Capabilities", ["CAPABILITY_IAM"])
        template = {"TemplateBody": body} if body else {"UsePreviousTemplate": True}
        stack_id = self("UpdateStack", StackName=name, **template, **parameters)["StackId"]
        return self.settled(stack_id)

    def delete(self, name, **parameters):
        """Delete a stack and return it once it settled."""
        stack_id = self("DescribeStacks", StackName=name)["Stacks"][0]["StackId"]
        self("DeleteStack", StackName=name, **parameters)
        return self.settled(stack_id)

    def events(self, name_or_id):
        """Return (logical id, status) of all events, oldest first."""
        events, token = [], {}
        while token is not None:
            page = self("DescribeStackEvents", StackName=name_or_id, **token)
            events += page["StackEvents"]
            token = {"NextToken": page["NextToken"]} if "NextToken" in page else None
        return [(event["LogicalResourceId"], event["ResourceStatus"]) for event in events[::-1]]

    def reason(self, name_or_id, logical_id, status):
        """Return the reason of the first event of a resource with that status."""
        events = self("DescribeStackEvents", StackName=name_or_id)["StackEvents"]
        return next(
            event.get("ResourceStatusReason")
            for event in events[::-1]
            if (event["LogicalResourceId"], event["ResourceStatus"]) == (logical_id, status)
        )

    def physical_id(self, name_or_id, logical_id):
        detail = self("DescribeStackResource", StackName=name_or_id, LogicalResourceId=logical_id)[
            "StackResourceDetail"
        ]
        return detail["PhysicalResourceId"]
