"""Each type of the other services: made, told by Ref and GetAtt, changed in place, deleted.

Ref and GetAtt: docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
What changes in place: the "Update requires: No interruption" of the same pages.
"""

import json

import pytest
from botocore.exceptions import ClientError
from round_trip import Case, go, tags

ACCOUNT = "123456789012"


def trust(service):
    return (
        "{Version: 2012-10-17, Statement: [{Effect: Allow, Action: sts:AssumeRole, "
        f"Principal: {{Service: {service}.amazonaws.com}}}}]}}"
    )


def policy(action, resource="'*'"):
    return (
        f"{{Version: 2012-10-17, Statement: [{{Effect: Allow, Action: {action}, "
        f"Resource: {resource}}}]}}"
    )


def role(name):
    return (
        f"  {name}: {{Type: AWS::IAM::Role, "
        f"Properties: {{AssumeRolePolicyDocument: {trust('ec2')}}}}}\n"
    )


def tags_of_bucket(s3, bucket):
    try:
        return tags(s3.get_bucket_tagging(Bucket=bucket)["TagSet"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchTagSet":
            raise
        return {}


def bucket(session, id_):
    s3 = session.client("s3")
    versioning = s3.get_bucket_versioning(Bucket=id_).get("Status")
    return versioning, setting(s3.get_public_access_block, id_), tags_of_bucket(s3, id_), [
        rule["ID"] for rule in setting(s3.get_bucket_lifecycle_configuration, id_).get("Rules", [])
    ]  # fmt: skip


def setting(get, id_):
    try:
        answer = get(Bucket=id_)
    except ClientError as error:
        if "NoSuch" not in error.response["Error"]["Code"]:
            raise
        return {}
    return answer.get("PublicAccessBlockConfiguration", answer)


def bucket_policy(session, id_):
    document = json.loads(session.client("s3").get_bucket_policy(Bucket=id_)["Policy"])
    return [statement["Action"] for statement in document["Statement"]]


def iam_role(session, id_):
    iam = session.client("iam")
    found = iam.get_role(RoleName=id_)["Role"]
    attached = iam.list_attached_role_policies(RoleName=id_)["AttachedPolicies"]
    names = iam.list_role_policies(RoleName=id_)["PolicyNames"]
    inline = {
        name: iam.get_role_policy(RoleName=id_, PolicyName=name)["PolicyDocument"]["Statement"]
        for name in names
    }
    return (
        found["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"],
        found.get("Description", ""),
        found["MaxSessionDuration"],
        found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        [item["PolicyName"] for item in attached],
        {name: inline[name][0]["Action"] for name in inline},
        tags(found.get("Tags", [])),
    )


def inline_policies(session, _):
    """Return who has which inline policy, among the roles that these tests make."""
    iam = session.client("iam")
    found = {}
    for one in iam.list_roles()["Roles"]:
        for name in iam.list_role_policies(RoleName=one["RoleName"])["PolicyNames"]:
            document = iam.get_role_policy(RoleName=one["RoleName"], PolicyName=name)
            if name.startswith("round"):
                action = document["PolicyDocument"]["Statement"][0]["Action"]
                found[one["RoleName"]] = (name, action)
    return found


def managed_policy(session, id_):
    iam = session.client("iam")
    found = iam.get_policy(PolicyArn=id_)["Policy"]
    version = iam.get_policy_version(PolicyArn=id_, VersionId=found["DefaultVersionId"])
    action = version["PolicyVersion"]["Document"]["Statement"][0]["Action"]
    entities = iam.list_entities_for_policy(PolicyArn=id_)
    return action, [item["RoleName"] for item in entities["PolicyRoles"]]


def instance_profile(session, id_):
    iam = session.client("iam")
    found = iam.get_instance_profile(InstanceProfileName=id_)["InstanceProfile"]
    return [item["RoleName"] for item in found["Roles"]]


def log_group(session, id_):
    logs = session.client("logs")
    [found] = [
        one
        for one in logs.describe_log_groups(logGroupNamePrefix=id_)["logGroups"]
        if one["logGroupName"] == id_
    ] or [None]
    if found is None:
        return None
    kept = logs.list_tags_log_group(logGroupName=id_)["tags"]
    own = {key: value for key, value in kept.items() if not key.startswith("aws:")}
    return found.get("retentionInDays"), own


def log_stream(session, id_):
    logs = session.client("logs")
    group = {"logGroupName": "round-trip-group", "logStreamNamePrefix": id_}
    return [one["logStreamName"] for one in logs.describe_log_streams(**group)["logStreams"]]


def resource_policy(session, id_):
    policies = session.client("logs").describe_resource_policies()["resourcePolicies"]
    documents = {one["policyName"]: json.loads(one["policyDocument"]) for one in policies}
    return documents[id_]["Statement"][0]["Action"] if id_ in documents else None


def parameter(session, id_):
    ssm = session.client("ssm")
    found = ssm.get_parameter(Name=id_)["Parameter"]
    [described] = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": [id_]}])[
        "Parameters"
    ]
    kept = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=id_)["TagList"]
    return found["Type"], found["Value"], described.get("Description", ""), tags(kept)


def key(session, id_):
    kms = session.client("kms")
    found = kms.describe_key(KeyId=id_)["KeyMetadata"]
    if found["KeyState"] == "PendingDeletion":
        return "PendingDeletion"
    rotates = kms.get_key_rotation_status(KeyId=id_)["KeyRotationEnabled"]
    kept = kms.list_resource_tags(KeyId=id_)["Tags"]
    document = json.loads(kms.get_key_policy(KeyId=id_, PolicyName="default")["Policy"])
    return (found["Description"], found["Enabled"], rotates, document["Statement"][0]["Action"],
            {tag["TagKey"]: tag["TagValue"] for tag in kept})  # fmt: skip


def alias(session, id_):
    aliases = session.client("kms").list_aliases()["Aliases"]
    return next(one["TargetKeyId"] for one in aliases if one["AliasName"] == id_)


def database(session, id_):
    found = session.client("glue").get_database(Name=id_)["Database"]
    return found["Description"]


def table(session, id_):
    found = session.client("glue").get_table(DatabaseName="round_trip", Name=id_)["Table"]
    columns = [column["Name"] for column in found["StorageDescriptor"]["Columns"]]
    return columns, found["Parameters"]


def work_group(session, id_):
    athena = session.client("athena")
    found = athena.get_work_group(WorkGroup=id_)["WorkGroup"]
    configuration = found["Configuration"]
    arn = f"arn:aws:athena:us-east-1:{ACCOUNT}:workgroup/{id_}"
    kept = athena.list_tags_for_resource(ResourceARN=arn)["Tags"]
    return (found["State"], found["Description"], configuration.get("BytesScannedCutoffPerQuery"),
            configuration.get("ResultConfiguration"), tags(kept))  # fmt: skip


def named_query(session, id_):
    found = session.client("athena").get_named_query(NamedQueryId=id_)["NamedQuery"]
    return found["Name"], found["Database"], found["QueryString"], found["WorkGroup"]


def handle(session, id_):
    return None


A, B = "Tags: [{Key: a, Value: b}]", "Tags: [{Key: a, Value: c}, {Key: d, Value: e}]"
TAGGED, TAGGED_THEN = {"a": "b"}, {"a": "c", "d": "e"}
BOUNDARY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
ROOT = "{Statement: [{Effect: Allow, Principal: {AWS: !Sub 'arn:aws:iam::${AWS::AccountId}:root'}, "
DOCUMENT = 'PolicyDocument: \'{"Statement": [{"Action": "%s"}]}\''
BLOCK = {"BlockPublicAcls": True, "IgnorePublicAcls": False, "BlockPublicPolicy": True,
         "RestrictPublicBuckets": False}  # fmt: skip

CASES = [
    Case(
        "AWS::S3::Bucket",
        f"{{BucketName: round-trip-bucket, AccessControl: Private, {A}, LifecycleConfiguration: "
        "{Rules: [{Id: one, Status: Enabled, ExpirationInDays: 3}]}}",
        bucket, shows=(None, {}, TAGGED, ["one"]), ref="round-trip-bucket",
        changed="{BucketName: round-trip-bucket, PublicAccessBlockConfiguration: "
                "{BlockPublicAcls: true, BlockPublicPolicy: true}}",
        shows_then=(None, BLOCK, {}, []),
        attributes={
            "Arn": "arn:aws:s3:::round-trip-bucket",
            "DomainName": "round-trip-bucket.s3.amazonaws.com",
            "RegionalDomainName": "round-trip-bucket.s3.us-east-1.amazonaws.com",
            "DualStackDomainName": "round-trip-bucket.s3.dualstack.us-east-1.amazonaws.com",
        },
    ),
    Case(
        "AWS::S3::BucketPolicy",
        "{Bucket: !Ref Bucket, PolicyDocument: {Statement: [{Effect: Deny, Principal: '*', "
        "Action: s3:PutObject, Resource: !Sub 'arn:aws:s3:::${Bucket}/*'}]}}",
        bucket_policy, shows=["s3:PutObject"], ref=lambda it: it["Bucket"],
        changed="{Bucket: !Ref Bucket, PolicyDocument: {Statement: [{Effect: Deny, Principal: '*', "
                "Action: s3:GetObject, Resource: !Sub 'arn:aws:s3:::${Bucket}/*'}]}}",
        shows_then=["s3:GetObject"], beside="  Bucket: {Type: AWS::S3::Bucket}\n",
    ),
    Case(
        "AWS::IAM::Role",
        f"{{AssumeRolePolicyDocument: {trust('ec2')}, Description: old, {A}, "
        "ManagedPolicyArns: ['arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore'], "
        f"Policies: [{{PolicyName: one, PolicyDocument: {policy('s3:GetObject')}}}, "
        f"{{PolicyName: two, PolicyDocument: {policy('s3:GetObject')}}}]}}",
        iam_role,
        shows=("ec2.amazonaws.com", "old", 3600, None, ["AmazonSSMManagedInstanceCore"],
               {"one": "s3:GetObject", "two": "s3:GetObject"}, TAGGED),
        changed=f"{{AssumeRolePolicyDocument: {trust('vpc-flow-logs')}, MaxSessionDuration: 7200, "
                f"{B}, PermissionsBoundary: '{BOUNDARY}', "
                "ManagedPolicyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'], "
                f"Policies: [{{PolicyName: two, PolicyDocument: {policy('s3:PutObject')}}}]}}",
        shows_then=("vpc-flow-logs.amazonaws.com", "", 7200, BOUNDARY, ["ReadOnlyAccess"],
                    {"two": "s3:PutObject"}, TAGGED_THEN),
        ref="round-trip-",
        attributes={"Arn": lambda it: f"arn:aws:iam::{ACCOUNT}:role/{it['It']}", "RoleId": "AROA"},
    ),
    Case(
        "AWS::IAM::Policy",
        f"{{PolicyName: round, Roles: [!Ref Role], PolicyDocument: {policy('s3:GetObject')}}}",
        inline_policies, shows=lambda it: {it["Role"]: ("round", "s3:GetObject")},
        changed="{PolicyName: rounder, Roles: [!Ref Role, !Ref Other], "
                f"PolicyDocument: {policy('s3:PutObject')}}}",
        shows_then=lambda it: {it["Role"]: ("rounder", "s3:PutObject"),
                               it["Other"]: ("rounder", "s3:PutObject")},
        ref="round-trip-", beside=role("Role") + role("Other"), remains={},
        attributes={"Id": lambda it: it["It"]},
    ),
    Case(
        "AWS::IAM::RolePolicy",
        f"{{PolicyName: round, RoleName: !Ref Role, PolicyDocument: {policy('s3:GetObject')}}}",
        inline_policies, shows=lambda it: {it["Role"]: ("round", "s3:GetObject")},
        changed="{PolicyName: round, RoleName: !Ref Role, "
                f"PolicyDocument: {policy('s3:PutObject')}}}",
        shows_then=lambda it: {it["Role"]: ("round", "s3:PutObject")},
        ref=lambda it: f"round|{it['Role']}", beside=role("Role"), remains={},
    ),
    Case(
        "AWS::IAM::ManagedPolicy",
        f"{{Roles: [!Ref Role], PolicyDocument: {policy('s3:GetObject')}}}", managed_policy,
        shows=lambda it: ("s3:GetObject", [it["Role"]]),
        changed=f"{{Roles: [!Ref Other], PolicyDocument: {policy('s3:PutObject')}}}",
        shows_then=lambda it: ("s3:PutObject", [it["Other"]]),
        ref=f"arn:aws:iam::{ACCOUNT}:policy/round-trip-", beside=role("Role") + role("Other"),
        attributes={"PolicyArn": lambda it: it["It"], "DefaultVersionId": "v1", "PolicyId": "A",
                    "CreateDate": "20", "UpdateDate": "20", "AttachmentCount": "1"},
    ),
    Case(
        "AWS::IAM::InstanceProfile", "{Roles: [!Ref Role]}", instance_profile,
        shows=lambda it: [it["Role"]], changed="{Roles: [!Ref Other]}",
        shows_then=lambda it: [it["Other"]], ref="round-trip-",
        beside=role("Role") + role("Other"),
        attributes={"Arn": lambda it: f"arn:aws:iam::{ACCOUNT}:instance-profile/{it['It']}"},
    ),
    Case(
        "AWS::Logs::LogGroup", f"{{RetentionInDays: 7, {A}}}", log_group, shows=(7, TAGGED),
        changed=f"{{{B}}}", shows_then=(None, TAGGED_THEN), ref="round-trip-",
        attributes={
            "Arn": lambda it: f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{it['It']}:*",
        },
    ),
    Case(
        "AWS::Logs::LogStream", "{LogGroupName: !Ref Group, LogStreamName: stream}", log_stream,
        shows=["stream"], ref="stream",
        beside="  Group: {Type: AWS::Logs::LogGroup, "
               "Properties: {LogGroupName: round-trip-group}}\n",
    ),
    Case(
        "AWS::Logs::ResourcePolicy",
        f"{{PolicyName: round-trip, {DOCUMENT % 'a'}}}", resource_policy, shows="a",
        changed=f"{{PolicyName: round-trip, {DOCUMENT % 'b'}}}",
        shows_then="b", ref="round-trip",
    ),
    Case(
        "AWS::SSM::Parameter",
        "{Name: /round/trip, Type: String, Value: old, Description: d, Tags: {a: b}}", parameter,
        shows=("String", "old", "d", TAGGED),
        changed="{Name: /round/trip, Type: String, Value: new, Tags: {a: c, d: e}}",
        shows_then=("String", "new", "", TAGGED_THEN), ref="/round/trip",
        attributes={"Type": "String", "Value": "old"},
    ),
    Case(
        "AWS::KMS::Key",
        f"{{Description: old, EnableKeyRotation: true, PendingWindowInDays: 7, {A}, KeyPolicy: "
        f"{ROOT}Action: 'kms:*', Resource: '*'}}]}}}}",
        key, shows=("old", True, True, "kms:*", TAGGED),
        changed=f"{{Enabled: false, PendingWindowInDays: 7, {B}, KeyPolicy: "
                f"{ROOT}Action: 'kms:Describe*', Resource: '*'}}]}}}}",
        shows_then=("", False, False, "kms:Describe*", TAGGED_THEN), ref="",
        attributes={"KeyId": lambda it: it["It"],
                    "Arn": lambda it: f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{it['It']}"},
        remains="PendingDeletion",
    ),
    Case(
        "AWS::KMS::Alias", "{AliasName: alias/round-trip, TargetKeyId: !Ref Key}", alias,
        shows=lambda it: it["Key"],
        changed="{AliasName: alias/round-trip, TargetKeyId: !Ref Other}",
        shows_then=lambda it: it["Other"], ref="alias/round-trip",
        beside="  Key: {Type: AWS::KMS::Key}\n  Other: {Type: AWS::KMS::Key}\n",
    ),
    Case(
        "AWS::Glue::Database",
        "{CatalogId: !Ref AWS::AccountId, DatabaseInput: {Name: round_trip, Description: old}}",
        database, shows="old",
        changed="{CatalogId: !Ref AWS::AccountId, "
                "DatabaseInput: {Name: round_trip, Description: new}}",
        shows_then="new", ref="round_trip",
    ),
    Case(
        "AWS::Glue::Table",
        "{CatalogId: !Ref AWS::AccountId, DatabaseName: !Ref Database, TableInput: {Name: records, "
        "Parameters: {classification: csv}, "
        "StorageDescriptor: {Columns: [{Name: version, Type: int}]}}}",
        table, shows=(["version"], {"classification": "csv"}),
        changed="{CatalogId: !Ref AWS::AccountId, DatabaseName: !Ref Database, TableInput: "
                "{Name: records, Parameters: {classification: parquet}, "
                "StorageDescriptor: {Columns: [{Name: action, Type: string}]}}}",
        shows_then=(["action"], {"classification": "parquet"}), ref="records",
        beside="  Database: {Type: AWS::Glue::Database, Properties: {CatalogId: !Ref "
               "AWS::AccountId, DatabaseInput: {Name: round_trip}}}\n",
    ),
    Case(
        "AWS::Athena::WorkGroup",
        f"{{Name: round-trip, Description: old, {A}, WorkGroupConfiguration: "
        "{BytesScannedCutoffPerQuery: 10000000, "
        "ResultConfiguration: {OutputLocation: 's3://bucket/old/'}}}",
        work_group,
        shows=("ENABLED", "old", 10_000_000, {"OutputLocation": "s3://bucket/old/"}, TAGGED),
        changed=f"{{Name: round-trip, State: DISABLED, {B}, WorkGroupConfiguration: "
                "{ResultConfiguration: {ExpectedBucketOwner: '123456789012'}}}",
        shows_then=("DISABLED", "", None, {"ExpectedBucketOwner": ACCOUNT}, TAGGED_THEN),
        ref="round-trip",
        attributes={"CreationTime": "1",
                    "WorkGroupConfiguration.EngineVersion.EffectiveEngineVersion": "Athena engine"},
    ),
    Case(
        "AWS::Athena::NamedQuery",
        "{Name: top, Database: round_trip, QueryString: SELECT 1, WorkGroup: !Ref Group}",
        named_query, shows=("top", "round_trip", "SELECT 1", "round-trip-queries"), ref="",
        beside="  Group: {Type: AWS::Athena::WorkGroup, "
               "Properties: {Name: round-trip-queries}}\n",
        attributes={"NamedQueryId": lambda it: it["It"]},
    ),
    Case(
        "AWS::CloudFormation::WaitConditionHandle", "{}", handle, shows=None,
        ref="https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com/arn%3Aaws%3A",
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.type)
def test_round_trip(session, case):
    go(session, case)
