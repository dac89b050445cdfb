"""moto's sentences of an error, said as EC2 says them.

Source: docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (the codes); the
sentences are those of what else names nothing, see `existence`.
"""

from __future__ import annotations

import re

from labkit.emulator.refusal import ServiceError

_IN_BRACES = re.compile(r"\{'([^']*)'\}")  # moto shows the set of what it did not find

_SENTENCES = (
    # moto's code, moto's sentence, EC2's code, EC2's sentence
    (r"InvalidVpcID\.NotFound", r"VpcID '?(\S+?)'? does not exist\.", "InvalidVpcID.NotFound",
     r"The vpc ID '\1' does not exist"),
    (r"InvalidInternetGatewayID\.NotFound", r"InternetGatewayID (\S+) does not exist\.",
     "InvalidInternetGatewayID.NotFound", r"The internetGateway ID '\1' does not exist"),
    (r"Gateway\.NotAttached", r"InternetGatewayID (\S+) is not attached to a VPC (\S+)\.",
     "Gateway.NotAttached", r"resource \1 is not attached to network \2"),
    (r"InvalidAssociationID\.NotFound", r"Association ID '(\S+)' not found\.",
     "InvalidAssociationID.NotFound", r"The association ID '\1' does not exist"),
    (r"InvalidNetworkAclID\.NotFound", r"The network acl ID '(\S+)' does not exist",
     "InvalidNetworkAclID.NotFound", r"The networkAcl ID '\1' does not exist"),
    (r"InvalidKeyPair\.NotFound", r"The keypair '(.+)' does not exist\.",
     "InvalidKeyPair.NotFound", r"The key pair '\1' does not exist"),
    (r"InvalidKeyPair\.Duplicate", r"The keypair '(.+)' already exists\.",
     "InvalidKeyPair.Duplicate", r"The keypair already exists"),
    (r"InvalidKeyPair\.Format", r"(.+)", "InvalidKey.Format", r"\1"),
    (r"NoSuchEntity", r"Instance profile (.+) not found", "InvalidParameterValue",
     r"Value (\1) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile "
     "name"),
    (r"InvalidInstanceID\.NotFound", r"The instance ID '((?!i-[0-9a-f]+')[^']*)' does not exist",
     "InvalidInstanceID.Malformed", r'Invalid id: "\1"'),
)  # fmt: skip


def as_on_aws(service: str, error: ServiceError) -> ServiceError:
    """Return an error in EC2's words, where moto has others."""
    if service != "ec2":
        return error
    message = _IN_BRACES.sub(r"\1", error.message)
    for code, sentence, said_code, said in _SENTENCES:
        match = re.fullmatch(sentence, message)
        if match and re.fullmatch(code, error.code):
            return ServiceError(said_code, match.expand(said), error.status)
    error.message = message
    return error
