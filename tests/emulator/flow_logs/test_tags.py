"""Flow logs among the resources that DescribeTags tells.

Source: docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeTags.html
"""

import pytest

from labkit.emulator.flow_logs.tags import Tags


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        pytest.param([], ["vpc", "vpc-flow-log"], id="all"),
        pytest.param(
            [{"Name": "resource-type", "Values": ["vpc-flow-log"]}], ["vpc-flow-log"], id="by type"
        ),
        pytest.param([{"Name": "resource-type", "Values": ["vpc"]}], ["vpc"], id="another type"),
    ],
)
def test_a_flow_log_s_tags_have_aws_s_resource_type(lab, create, inner, call, filters, found):
    (id_,) = create(**lab.to_s3())["FlowLogIds"]
    lab.ec2.create_tags(Resources=[id_, lab.vpc_id], Tags=[{"Key": lab.name, "Value": "x"}])
    filters = [*filters, {"Name": "key", "Values": [lab.name]}]
    tags = Tags(inner).describe(call("ec2", "DescribeTags", Filters=filters))["Tags"]
    assert sorted(tag["ResourceType"] for tag in tags) == found
