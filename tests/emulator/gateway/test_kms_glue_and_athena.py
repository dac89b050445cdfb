"""KMS, Glue and Athena: what they keep, and what they refuse.

Sources: docs.aws.amazon.com/kms/latest/developerguide/key-state.html,
docs.aws.amazon.com/glue/latest/webapi/API_DatabaseInput.html,
docs.aws.amazon.com/athena/latest/ug/workgroups-settings.html
"""

import json

import pytest
from botocore.exceptions import ClientError


def refused(call, **asked):
    with pytest.raises(ClientError) as error:
        call(**asked)
    return error.value.response["Error"]["Code"]


# --- KMS


@pytest.fixture
def kms(session):
    return session.client("kms")


@pytest.fixture
def going(kms):
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    return key_id


@pytest.mark.parametrize(
    ("operation", "asked"),
    [
        ("enable_key", {}),
        ("disable_key", {}),
        ("enable_key_rotation", {}),
        ("update_key_description", {"Description": "d"}),
        ("schedule_key_deletion", {}),
        ("tag_resource", {"Tags": [{"TagKey": "a", "TagValue": "b"}]}),
    ],
)
def test_a_key_that_goes_takes_no_changes(kms, going, operation, asked):
    assert refused(getattr(kms, operation), KeyId=going, **asked) == "KMSInvalidStateException"


def test_no_alias_for_a_key_that_goes(kms, going):
    asked = {"AliasName": "alias/going", "TargetKeyId": going}
    assert refused(kms.create_alias, **asked) == "KMSInvalidStateException"


def test_a_deletion_can_be_cancelled_once(kms, going):
    kms.cancel_key_deletion(KeyId=going)
    assert kms.describe_key(KeyId=going)["KeyMetadata"]["KeyState"] == "Disabled"
    assert refused(kms.cancel_key_deletion, KeyId=going) == "KMSInvalidStateException"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"Policy": "nonsense"}, "MalformedPolicyDocumentException"),
        ({"Policy": json.dumps({"Version": "2012-10-17"})}, "MalformedPolicyDocumentException"),
        ({"Origin": "EXTERNAL"}, "UnsupportedOperation"),
        ({"MultiRegion": True}, "UnsupportedOperation"),
    ],
)
def test_keys_that_are_not_made(kms, asked, code):
    assert refused(kms.create_key, **asked) == code


@pytest.mark.parametrize("days", [6, 31])
def test_a_deletion_waits_between_7_and_30_days(kms, days):
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    asked = {"KeyId": key_id, "PendingWindowInDays": days}
    assert refused(kms.schedule_key_deletion, **asked) == "ValidationException"


def test_nothing_is_encrypted(kms):
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    assert refused(kms.encrypt, KeyId=key_id, Plaintext=b"x") == "UnsupportedOperation"


# --- Glue


@pytest.fixture
def glue(session):
    return session.client("glue")


@pytest.fixture
def database(glue):
    glue.create_database(DatabaseInput={"Name": "Upper_Case"})
    yield "upper_case"
    glue.delete_database(Name="UPPER_CASE")


def test_names_are_in_lower_case(glue, database):
    assert glue.get_database(Name="Upper_Case")["Database"]["Name"] == database
    glue.create_table(DatabaseName="Upper_Case", TableInput={"Name": "Records"})
    assert glue.get_table(DatabaseName=database, Name="RECORDS")["Table"]["Name"] == "records"
    glue.update_table(
        DatabaseName=database, TableInput={"Name": "Records", "Description": "changed"}
    )
    [table] = glue.get_tables(DatabaseName=database)["TableList"]
    assert (table["Name"], table["Description"]) == ("records", "changed")
    glue.delete_table(DatabaseName=database, Name="Records")
    assert glue.get_tables(DatabaseName=database)["TableList"] == []


def test_what_is_not_there_or_is_there_already(glue, database):
    create = glue.create_database
    assert refused(create, DatabaseInput={"Name": "UPPER_case"}) == "AlreadyExistsException"
    assert refused(glue.get_database, Name="none") == "EntityNotFoundException"
    asked = {"DatabaseName": database, "Name": "none"}
    assert refused(glue.delete_table, **asked) == "EntityNotFoundException"
    asked = {"CatalogId": "210987654321", "Name": database}
    assert refused(glue.get_database, **asked) == "EntityNotFoundException"


# --- Athena


@pytest.fixture
def athena(session):
    return session.client("athena")


@pytest.fixture
def group(athena, unique):
    athena.create_work_group(
        Name=unique,
        Configuration={"ResultConfiguration": {"OutputLocation": "s3://a/"},
                       "BytesScannedCutoffPerQuery": 10_000_000},
    )  # fmt: skip
    yield unique
    athena.delete_work_group(WorkGroup=unique)


def test_the_primary_workgroup_is_always_there(athena):
    names = {group["Name"] for group in athena.list_work_groups()["WorkGroups"]}
    assert "primary" in names
    assert athena.get_work_group(WorkGroup="primary")["WorkGroup"]["State"] == "ENABLED"
    assert refused(athena.delete_work_group, WorkGroup="primary") == "InvalidRequestException"


def test_a_change_leaves_the_rest(athena, group):
    updates = {"ResultConfigurationUpdates": {"ExpectedBucketOwner": "123456789012"},
               "RemoveBytesScannedCutoffPerQuery": True}  # fmt: skip
    athena.update_work_group(WorkGroup=group, ConfigurationUpdates=updates)
    found = athena.get_work_group(WorkGroup=group)["WorkGroup"]["Configuration"]
    assert found["ResultConfiguration"] == {
        "OutputLocation": "s3://a/", "ExpectedBucketOwner": "123456789012",
    }  # fmt: skip
    assert "BytesScannedCutoffPerQuery" not in found
    assert found["EnforceWorkGroupConfiguration"] is True


def test_workgroups_that_are_refused(athena, group):
    assert refused(athena.create_work_group, Name=group) == "InvalidRequestException"
    assert refused(athena.get_work_group, WorkGroup="none") == "InvalidRequestException"
    old = {"EngineVersion": {"SelectedEngineVersion": "Athena engine version 1"}}
    asked = {"Name": "old", "Configuration": old}
    assert refused(athena.create_work_group, **asked) == "InvalidRequestException"


def test_named_queries(athena, group):
    query_id = athena.create_named_query(
        Name="top", Database="d", QueryString="SELECT 1", WorkGroup=group
    )["NamedQueryId"]
    assert athena.list_named_queries(WorkGroup=group)["NamedQueryIds"] == [query_id]
    assert query_id not in athena.list_named_queries()["NamedQueryIds"]
    athena.update_named_query(NamedQueryId=query_id, Name="first", QueryString="SELECT 2")
    found = athena.get_named_query(NamedQueryId=query_id)["NamedQuery"]
    assert (found["Name"], found["QueryString"], found["WorkGroup"]) == ("first", "SELECT 2", group)
    athena.delete_named_query(NamedQueryId=query_id)
    assert refused(athena.get_named_query, NamedQueryId=query_id) == "InvalidRequestException"


def test_no_query_runs(athena):
    assert refused(athena.start_query_execution, QueryString="SELECT 1") == "UnsupportedOperation"


# --- CloudWatch Logs


def test_a_resource_policy_is_a_policy(session):
    logs = session.client("logs")
    put = logs.put_resource_policy
    document = json.dumps({"Statement": []})
    put(policyName="kept", policyDocument=document)
    [kept] = [
        one["policyDocument"]
        for one in logs.describe_resource_policies()["resourcePolicies"]
        if one["policyName"] == "kept"
    ]
    assert kept == document
    logs.delete_resource_policy(policyName="kept")
    asked = {"policyName": "kept", "policyDocument": "nonsense"}
    assert refused(put, **asked) == "InvalidParameterException"
    assert refused(logs.delete_resource_policy, policyName="kept") == "ResourceNotFoundException"
