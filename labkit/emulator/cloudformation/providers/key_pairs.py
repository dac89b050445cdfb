"""Key pairs. The private key of a new one is kept in Systems Manager, as on AWS.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-keypair.html
"""

from __future__ import annotations

from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    Properties,
    Provider,
    picked,
)


class KeyPair(Provider):
    type = "AWS::EC2::KeyPair"
    honors = ("KeyName", "KeyType", "PublicKeyMaterial", "Tags")
    attributes = ("KeyFingerprint", "KeyPairId")

    def create(self, context: Context, properties: Properties) -> Attributes:
        ec2 = context.client("ec2")
        name, tags = properties["KeyName"], context.tag_specifications("key-pair", properties)
        if "PublicKeyMaterial" in properties:
            material = properties["PublicKeyMaterial"].encode()
            pair = ec2.import_key_pair(
                KeyName=name, PublicKeyMaterial=material, TagSpecifications=tags
            )
            context.exists(name)
        else:
            pair = ec2.create_key_pair(
                **picked(properties, "KeyName", "KeyType"), TagSpecifications=tags
            )
            context.exists(name)
            context.client("ssm").put_parameter(
                Name=_parameter(pair["KeyPairId"]), Value=pair["KeyMaterial"], Type="SecureString"
            )
        return {"KeyFingerprint": pair["KeyFingerprint"], "KeyPairId": pair["KeyPairId"]}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        ec2 = context.client("ec2")
        pairs = ec2.describe_key_pairs(KeyNames=[physical_id])["KeyPairs"]
        ec2.delete_key_pair(KeyName=physical_id)
        names = [_parameter(pair["KeyPairId"]) for pair in pairs]
        context.client("ssm").delete_parameters(Names=names)  # if it has one


def _parameter(pair_id: str) -> str:
    return f"/ec2/keypair/{pair_id}"
