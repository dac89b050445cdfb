"""Hints for the usual failures, matched against the sentences in which AWS gives them.

The sentences are those of EC2's, S3's, IAM's and CloudFormation's error messages as they stand in
stacks' events (with ids and addresses of documentation).
"""

import pytest

from labkit import stacks

HANDLER = 'Resource handler returned message: "{}" (RequestToken: 1, HandlerErrorCode: {})'
EC2 = "(Service: Ec2, Status Code: 400, Request ID: 1)"


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("Requires capabilities : [CAPABILITY_IAM]", "CAPABILITY_IAM"),
        ("The specified instance type is not eligible for Free Tier. For a list of Free Tier "
         "instance types, run 'describe-instance-types'", "t4g.micro"),
        ("Your requested instance type (t4g.micro) is not supported in your requested "
         "Availability Zone (us-east-1e). Please retry your request by not specifying an "
         "Availability Zone or choosing us-east-1a", "another Availability Zone"),
        ("We currently do not have sufficient t4g.micro capacity in the Availability Zone you "
         "requested (us-east-1a)", "another zone"),
        ("You have requested more vCPU capacity than your current vCPU limit of 5 allows",
         "higher quota"),
        ("The architecture 'arm64' of the specified instance type does not match the "
         "architecture 'x86_64' of the specified AMI", "arm64 image"),
        ("The image id '[ami-0123456789abcdef0]' does not exist", "Region to Region"),
        ("Unable to fetch parameters [/aws/service/no-such] from parameter store for this "
         "account.", "SSM parameter"),
        (HANDLER.format(f"The maximum number of VPCs has been reached. {EC2}", "ServiceLimit"),
         "Delete what you no longer need"),
        ("The maximum number of internet gateways has been reached.", "higher quota"),
        ("Unable to assume given IAM role: 'arn:aws:iam::123456789012:role/x'", "wait a minute"),
        ("Access Denied for LogDestination: flow-logs-lab. Please check LogDestination "
         "permission", "delivery.logs.amazonaws.com"),
        ("There is an existing Flow Log with the same configuration and log destination",
         "delete it"),
        (HANDLER.format(f"DeliverLogsPermissionArn is not applicable for s3 delivery {EC2}",
                        "InvalidRequest"), "leave DeliverLogsPermissionArn out"),
        ("private-dns-enabled cannot be set because there is already a conflicting DNS domain "
         "for ssm.us-east-1.amazonaws.com in the VPC vpc-1", "PrivateDnsEnabled"),
        ("Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC "
         "attributes set to true for vpc-1", "EnableDnsHostnames"),
        ("The VPC endpoint service com.amazonaws.us-east-1.ssm does not support the availability "
         "zone of the subnet: subnet-1.", "describe_vpc_endpoint_services"),
        (HANDLER.format(f"The CIDR '10.0.32.0/20' conflicts with another subnet {EC2}",
                        "AlreadyExists"), "CidrBlock of its own"),
        ("The CIDR '192.168.0.0/24' is invalid.", "inside its VPC"),
        ("Value (it's open) for parameter GroupDescription is invalid. Character sets beyond "
         "ASCII are not supported.", "apostrophe"),
        ("Export net-vpc cannot be deleted as it is in use by web", "import it first"),
        ("Export with name net-vpc is already exported by stack other.", "unique in a Region"),
        ("Resource of type 'AWS::Logs::LogGroup' with identifier "
         "'{\"/properties/LogGroupName\":\"flow\"}' already exists.", "give no name"),
        ("The bucket you tried to delete is not empty (Service: S3, Status Code: 409)",
         "Delete its objects first"),
        ("The subnet 'subnet-1' has dependencies and cannot be deleted.",
         "describe_network_interfaces"),
        ("resource sg-1 has a dependent object", "describe_network_interfaces"),
        ("User: arn:aws:iam::123456789012:user/alice is not authorized to perform: "
         "iam:CreateRole on resource: role x", "permission"),
        ("The security token included in the request is expired", "sign in again"),
        ("Rate exceeded (Service: AmazonCloudFormation; Status Code: 400)", "wait a minute"),
        ("Properties validation failed for resource VPC with message: #: extraneous key "
         "[CidrBlok] is not permitted", "CloudFormation User Guide"),
        ("Template format error: Unrecognized resource types: [AWS::EC2::Vpc]", "misspelled"),
        ("The emulator does not emulate ec2:CreateNatGateway.", "labkit/emulator/README.md"),
    ],
)  # fmt: skip
def test_a_usual_failure_comes_with_a_hint(reason, says):
    hint = stacks.hint(reason)
    assert hint is not None
    assert says in hint


@pytest.mark.parametrize("reason", ["", "Resource creation cancelled", "no reason known here"])
def test_an_unknown_reason_has_none(reason):
    assert stacks.hint(reason) is None
