"""What to try when a stack fails: the usual reasons, in the words in which AWS gives them.

A reason is matched by the part of AWS's sentence that does not change; the first hint whose
sentence fits is given. Sources: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/
troubleshooting.html, docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html,
docs.aws.amazon.com/vpc/latest/userguide/flow-logs-troubleshooting.html.
"""

from __future__ import annotations

import re

_HINTS: list[tuple[str, str]] = [
    (
        r"Requires capabilities",
        "The template makes roles: pass Capabilities=['CAPABILITY_IAM'] to say that you know.",
    ),
    (
        r"not eligible for Free Tier",
        "Accounts on the Free plan may only start some types: t4g.micro and t4g.small are among "
        "them.",
    ),
    (
        r"is not supported in your requested Availability Zone",
        "Choose another Availability Zone; the reason lists those that have the instance type.",
    ),
    (
        r"do(es)? not have sufficient \S+ capacity|InsufficientInstanceCapacity",
        "AWS has none of these left in this zone right now: try another zone, or later.",
    ),
    (
        r"more vCPU capacity than your current|VcpuLimitExceeded|InstanceLimitExceeded",
        "Stop instances that you do not need, or ask for a higher quota in Service Quotas.",
    ),
    (
        r"does not match the architecture",
        "An arm64 image runs on arm64 types only, e.g. t4g.micro; an x86_64 one on e.g. t3.micro.",
    ),
    (
        r"image id .* does not exist|InvalidAMIID",
        "Image ids differ from Region to Region: let the parameter /aws/service/ami-amazon-linux-"
        "latest/... of Systems Manager find the one of yours.",
    ),
    (
        r"Unable to fetch parameters|ParameterNotFound",
        "The name of that SSM parameter is misspelled, or it does not exist in this Region.",
    ),
    (
        r"maximum number of (VPCs|internet gateways|addresses|network interfaces|\S+) has been",
        "Delete what you no longer need in this Region, or ask for a higher quota in Service "
        "Quotas.",
    ),
    (
        r"Unable to assume given IAM role",
        "A role that was just made is not known everywhere yet: wait a minute and deploy again. "
        "If it stays so, its trust policy does not name vpc-flow-logs.amazonaws.com.",
    ),
    (
        r"Access Denied for LogDestination",
        "The bucket's policy must allow delivery.logs.amazonaws.com to put objects, or you must "
        "be allowed to change that policy.",
    ),
    (
        r"existing Flow Log with the same configuration",
        "That subnet, VPC or interface has such a flow log already: delete it, or leave this one "
        "out.",
    ),
    (
        r"DeliverLogsPermissionArn is not applicable",
        "Only a flow log to CloudWatch Logs takes on a role: leave DeliverLogsPermissionArn out "
        "of the one to S3.",
    ),
    (
        r"conflicting DNS domain",
        "The VPC has an endpoint for this service already: use it, or set PrivateDnsEnabled to "
        "false here.",
    ),
    (
        r"[Pp]rivate DNS requires both",
        "Set EnableDnsSupport and EnableDnsHostnames of the VPC to true.",
    ),
    (
        r"does not support the availability zone of the subnet",
        "The service has no endpoint in that zone: put the subnet in one of those that "
        "describe_vpc_endpoint_services lists.",
    ),
    (
        r"conflicts with another subnet",
        "The subnet's addresses overlap with those of another one: choose a CidrBlock of its own.",
    ),
    (
        r"The CIDR '.*' is invalid|InvalidSubnet\.Range|InvalidVpc\.Range",
        "A subnet lies inside its VPC's addresses, and both are between /16 and /28.",
    ),
    (
        r"Character sets beyond ASCII|Invalid rule description|Invalid security group description",
        "Descriptions of groups and rules take only letters, digits, spaces and "
        "._-:/()#,@[]+=&;{}!$*, and so no apostrophe.",
    ),
    (
        r"Export .* cannot be deleted as it is in use|Export .* cannot be updated as it is in use",
        "Delete or change the stacks that import it first.",
    ),
    (
        r"Export with name .* is already exported",
        "An export's name is unique in a Region: put the stack's name into it.",
    ),
    (
        r"already exists|BucketAlreadyOwnedByYou|AlreadyExists",
        "Something of that name is there already, perhaps left by an earlier stack: delete it, or "
        "give no name, and CloudFormation makes one up.",
    ),
    (
        r"bucket you tried to delete is not empty|BucketNotEmpty",
        "Delete its objects first, old versions too, after the flow logs that write to it.",
    ),
    (
        r"has dependencies and cannot be deleted|has a dependent object|is currently in use",
        "Something that the stack did not make still uses it, such as an instance, an endpoint or "
        "a network interface: find it with describe_network_interfaces and delete it first.",
    ),
    (
        r"is not authorized to perform|not authorized to perform this operation|AccessDenied",
        "Your user or role lacks the permission that the reason names, or an organization's "
        "policy takes it away: ask whoever gave you the account.",
    ),
    (
        r"security token included in the request is expired|ExpiredToken",
        "Your credentials expired: sign in again. What was created so far still stands, and costs.",
    ),
    (
        r"Rate exceeded|Throttling|RequestLimitExceeded",
        "Too many calls at once in this account: wait a minute and deploy again.",
    ),
    (
        r"extraneous key|Encountered unsupported propert|Properties validation failed",
        "The resource type has no such property, or not such a value: compare with its page in "
        "the CloudFormation User Guide.",
    ),
    (
        r"Unrecognized resource types|Template format error: Unrecognized",
        "The type is misspelled, or does not exist in this Region.",
    ),
    (
        r"emulator does not",
        "The emulator refuses what it cannot do honestly; on AWS this may work. What it does "
        "stands in labkit/emulator/README.md.",
    ),
]


def hint(reason: str) -> str | None:
    """Return what to try about the reason of a failure; None for one that is not known here.

    Args:
        reason: The ResourceStatusReason of a stack's event, or the message of an error.
    """
    for pattern, advice in _HINTS:
        if re.search(pattern, reason):
            return advice
    return None
