"""What an operation of ours is, and which operations moto answers for us."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an AWS operation, parsed: parameters named as botocore names them.

    Absent parameters are absent; datetimes are naive UTC, as moto parses them.
    """

    service: str
    operation: str
    region: str
    account_id: str
    access_key_id: str
    parameters: dict[str, Any]


Operation = Callable[[Call], dict[str, Any]]
"""Takes a call, returns the answer as botocore's output shape, or raises a ServiceError."""

Operations = dict[tuple[str, str], Operation]
"""Keyed by service and operation, for example ("ec2", "CreateFlowLogs")."""

DRY_RUN_THEMSELVES = frozenset({"CreateFlowLogs", "DescribeFlowLogs", "DeleteFlowLogs"})
"""Operations that check before they answer a DryRun; the gateway answers it for all others."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


FORWARDED: dict[str, frozenset[str]] = {
    "ec2": _names("""
        CreateVpc DescribeVpcs ModifyVpcAttribute DescribeVpcAttribute
        CreateSubnet DescribeSubnets ModifySubnetAttribute
        CreateRouteTable DescribeRouteTables DeleteRouteTable CreateRoute DeleteRoute ReplaceRoute
        AssociateRouteTable DisassociateRouteTable ReplaceRouteTableAssociation
        CreateSecurityGroup DescribeSecurityGroups DescribeSecurityGroupRules
        AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress
        RevokeSecurityGroupIngress RevokeSecurityGroupEgress ModifySecurityGroupRules
        UpdateSecurityGroupRuleDescriptionsIngress UpdateSecurityGroupRuleDescriptionsEgress
        CreateNetworkAcl ReplaceNetworkAclAssociation
        DescribeInstanceStatus DescribeInstanceAttribute
        StartInstances StopInstances RebootInstances TerminateInstances
        ModifyInstanceMetadataOptions
        AssociateIamInstanceProfile DisassociateIamInstanceProfile
        ReplaceIamInstanceProfileAssociation DescribeIamInstanceProfileAssociations
        DescribeInstanceTypes DescribeInstanceTypeOfferings DescribeImages
        DescribeAvailabilityZones DescribeRegions DescribeVolumes
        CreateKeyPair ImportKeyPair DescribeKeyPairs DeleteKeyPair
        CreateTags DeleteTags DescribeTags
        CreateInternetGateway DescribeInternetGateways DeleteInternetGateway
        AttachInternetGateway DetachInternetGateway
        CreateManagedPrefixList DescribeManagedPrefixLists GetManagedPrefixListEntries
        ModifyManagedPrefixList DeleteManagedPrefixList DescribePrefixLists
        """),
    "s3": _names("""
        CreateBucket DeleteBucket HeadBucket ListBuckets GetBucketLocation GetBucketAcl
        PutObject GetObject HeadObject CopyObject DeleteObject DeleteObjects GetObjectAttributes
        ListObjects ListObjectsV2 ListObjectVersions
        CreateMultipartUpload UploadPart UploadPartCopy CompleteMultipartUpload
        AbortMultipartUpload ListParts ListMultipartUploads
        PutBucketPolicy GetBucketPolicy DeleteBucketPolicy
        PutBucketEncryption GetBucketEncryption DeleteBucketEncryption
        PutPublicAccessBlock GetPublicAccessBlock DeletePublicAccessBlock
        PutBucketOwnershipControls GetBucketOwnershipControls DeleteBucketOwnershipControls
        PutBucketLifecycleConfiguration GetBucketLifecycleConfiguration DeleteBucketLifecycle
        PutBucketTagging GetBucketTagging DeleteBucketTagging
        PutObjectTagging GetObjectTagging DeleteObjectTagging
        PutBucketVersioning GetBucketVersioning
        """),
    "iam": _names("""
        CreateRole GetRole UpdateRole DeleteRole ListRoles UpdateAssumeRolePolicy
        PutRolePolicy GetRolePolicy DeleteRolePolicy ListRolePolicies
        AttachRolePolicy DetachRolePolicy ListAttachedRolePolicies
        PutRolePermissionsBoundary DeleteRolePermissionsBoundary
        TagRole UntagRole ListRoleTags
        CreatePolicy GetPolicy ListPolicies DeletePolicy ListEntitiesForPolicy
        CreatePolicyVersion GetPolicyVersion ListPolicyVersions DeletePolicyVersion
        SetDefaultPolicyVersion
        CreateInstanceProfile GetInstanceProfile DeleteInstanceProfile ListInstanceProfiles
        ListInstanceProfilesForRole AddRoleToInstanceProfile RemoveRoleFromInstanceProfile
        TagInstanceProfile UntagInstanceProfile ListInstanceProfileTags
        CreateUser GetUser DeleteUser ListUsers
        CreateAccessKey ListAccessKeys UpdateAccessKey DeleteAccessKey
        """),
    "sts": _names("GetCallerIdentity"),
    "glue": _names("""
        CreateDatabase GetDatabase GetDatabases UpdateDatabase DeleteDatabase
        CreateTable GetTable GetTables UpdateTable DeleteTable
        """),
    "kms": _names("""
        CreateKey DescribeKey ListKeys UpdateKeyDescription EnableKey DisableKey
        ScheduleKeyDeletion CancelKeyDeletion
        EnableKeyRotation DisableKeyRotation GetKeyRotationStatus
        PutKeyPolicy GetKeyPolicy ListKeyPolicies
        CreateAlias UpdateAlias DeleteAlias ListAliases
        TagResource UntagResource ListResourceTags
        """),
    "logs": _names("""
        CreateLogGroup DescribeLogGroups DeleteLogGroup
        PutRetentionPolicy DeleteRetentionPolicy
        CreateLogStream DescribeLogStreams DeleteLogStream PutLogEvents GetLogEvents
        PutResourcePolicy DescribeResourcePolicies DeleteResourcePolicy
        TagLogGroup UntagLogGroup ListTagsLogGroup TagResource UntagResource ListTagsForResource
        """),
    "ssm": _names("""
        GetParameter GetParameters GetParametersByPath PutParameter DescribeParameters
        DeleteParameter DeleteParameters GetParameterHistory
        AddTagsToResource RemoveTagsFromResource ListTagsForResource
        """),
}
"""The operations whose answers by moto are known to be honest; ours come before them."""
