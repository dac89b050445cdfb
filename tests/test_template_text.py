"""Pieces of a template, as text to read."""

from __future__ import annotations

import pytest

from labkit import stacks
from labkit.errors import ParameterError

TEMPLATE = """\
Parameters:
  Bucket:
    Type: String

Resources:
  # The network.
  Vpc:
    Type: AWS::EC2::VPC
    Properties:
      CidrBlock: 10.0.0.0/16

      EnableDnsSupport: true

  # Where the records go.
  # Twice.
  Bucket:
    Type: AWS::S3::Bucket
  Last:
    Type: AWS::EC2::FlowLog
Outputs:
  VpcId:
    Value: !Ref Vpc
"""


@pytest.mark.parametrize(
    ("logical_id", "first", "last", "count"),
    [
        pytest.param("Vpc", "  # The network.", "      EnableDnsSupport: true", 7, id="with gaps"),
        pytest.param("Bucket", "  # Where the records go.", "    Type: AWS::S3::Bucket", 4,
                     id="not the parameter of that name"),
        pytest.param("Last", "  Last:", "    Type: AWS::EC2::FlowLog", 2, id="the last one"),
    ],
)  # fmt: skip
def test_resource_text(logical_id, first, last, count):
    lines = stacks.resource_text(TEMPLATE, logical_id).splitlines()
    assert (lines[0], lines[-1], len(lines)) == (first, last, count)


@pytest.mark.parametrize("logical_id", ["Nothing", "VpcId", "Type"])
def test_a_resource_that_is_not_there(logical_id):
    with pytest.raises(ParameterError, match=f"no resource {logical_id}"):
        stacks.resource_text(TEMPLATE, logical_id)


def test_the_labs_own_template():
    text = stacks.TEMPLATE.read_text(encoding="utf-8")
    assert "Type: AWS::EC2::FlowLog" in stacks.resource_text(text, "FlowLogToS3")
