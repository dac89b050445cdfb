"""Where a session goes: to the emulator or to AWS, and never to the wrong one."""

import os
import re
from datetime import UTC, datetime

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from labkit import aws, emulator_process
from labkit.errors import EmulatorError, TargetError


@pytest.fixture
def clean(monkeypatch, tmp_path):
    """An environment without any setting of AWS's, and a home directory of its own."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


@pytest.fixture
def configured(clean, tmp_path):
    """Writes ~/.aws/config."""

    def write(text):
        (tmp_path / ".aws").mkdir(exist_ok=True)
        (tmp_path / ".aws" / "config").write_text(text)

    return write


@pytest.fixture
def credentials(clean):
    clean.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    clean.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    return clean


@pytest.fixture
def home(emulator, emulator_home, monkeypatch):
    """LABKIT_HOME is that of the emulator that runs."""
    monkeypatch.setenv("LABKIT_HOME", str(emulator_home))


class TestEmulator:
    def test_connect_gives_a_boto3_session_on_the_one_that_runs(self, home, emulator):
        before = dict(os.environ)
        session = aws.connect()
        assert isinstance(session, boto3.Session)
        assert session.region_name == "us-east-1"
        assert session.client("ec2").meta.endpoint_url == emulator.endpoint_url
        assert session.get_credentials().access_key == emulator.access_key_id
        assert dict(os.environ) == before

    def test_connect_starts_one_on_first_need(self, tmp_path, monkeypatch):
        monkeypatch.setenv("LABKIT_HOME", str(tmp_path))
        try:
            assert aws.whereami(aws.connect(region="eu-west-1")).region == "eu-west-1"
            assert emulator_process.status().running
        finally:
            emulator_process.stop()

    @pytest.mark.parametrize(
        "variables",
        [
            pytest.param({"AWS_PROFILE": "nobody"}, id="a profile that does not exist"),
            pytest.param({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, id="an endpoint"),
            pytest.param({"AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9"}, id="a service's endpoint"),
            pytest.param({"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, id="no endpoints"),
            pytest.param({"http_proxy": "http://127.0.0.1:9"}, id="a proxy"),
            pytest.param({"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": ""}, id="a proxy, loud"),
            pytest.param({"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "x"}, id="a key"),
            pytest.param({"AWS_SESSION_TOKEN": "old"}, id="a session token"),
            pytest.param({"AWS_USE_FIPS_ENDPOINT": "true"}, id="FIPS endpoints"),
            pytest.param({"AWS_USE_DUALSTACK_ENDPOINT": "true"}, id="dual-stack endpoints"),
            pytest.param({"AWS_DEFAULT_REGION": "eu-west-3"}, id="a region"),
        ],
    )
    def test_the_environment_does_not_divert_it(self, home, emulator, monkeypatch, variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        session = aws.connect()
        assert session.client("sts").get_caller_identity()["Arn"].endswith(":user/learner")
        assert session.region_name == "us-east-1"
        assert session.client("s3").list_buckets()["ResponseMetadata"]["HTTPStatusCode"] == 200
        assert session.resource("ec2").meta.client.meta.endpoint_url == emulator.endpoint_url

    def test_buckets_stand_in_the_path(self, session, emulator):
        url = session.client("s3").generate_presigned_url("get_object", {"Bucket": "b", "Key": "k"})
        assert url.startswith(f"{emulator.endpoint_url}/b/k?")

    def test_the_profile_is_the_users_alone(self, session, emulator_home):
        assert (emulator_home / "aws-config").stat().st_mode & 0o077 == 0

    def test_a_dead_emulator_is_an_endpoint_that_cannot_be_reached(self, tmp_path):
        session = aws.on_emulator(emulator_process.start(tmp_path))
        emulator_process.stop(tmp_path)
        with pytest.raises(EndpointConnectionError):
            session.client("sts").get_caller_identity()

    def test_a_home_that_cannot_be_written_is_one_sentence(self, tmp_path, monkeypatch):
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "file"))
        with pytest.raises(EmulatorError, match="cannot be written"):
            aws.connect()


class TestWrongTargets:
    @pytest.mark.parametrize(
        ("asked", "says"),
        [
            pytest.param({"target": "azure"}, "no target 'azure'", id="another cloud"),
            pytest.param({"profile": "mine"}, "profile= is for target='aws'", id="a profile"),
            pytest.param(
                {"region": "us-eest-1"},
                r"no region 'us-eest-1': did you mean .*us-east-1",
                id="typo",
            ),
            pytest.param({"region": "us-gov-west-1"}, "no region 'us-gov-west-1'", id="GovCloud"),
            pytest.param({"region": "Frankfurt"}, "no region 'Frankfurt'", id="a city"),
        ],
    )
    def test_on_the_emulator(self, asked, says):
        with pytest.raises(TargetError, match=says):
            aws.connect(**asked)

    def test_no_credentials(self, clean):
        with pytest.raises(TargetError, match="No AWS credentials were found"):
            aws.connect("aws", region="us-east-1")

    def test_no_region(self, credentials):
        with pytest.raises(TargetError, match="No region is configured"):
            aws.connect("aws")

    def test_an_unknown_region(self, credentials):
        with pytest.raises(TargetError, match="did you mean"):
            aws.connect("aws", region="eu-centrall-1")

    @pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
    def test_an_endpoint_in_the_environment(self, credentials, name):
        credentials.setenv(name, "http://127.0.0.1:4566")
        with pytest.raises(TargetError, match=f"{name} is set.*unset it"):
            aws.connect("aws", region="us-east-1")

    def test_an_endpoint_in_the_profile(self, credentials, configured):
        configured("[profile local]\nendpoint_url = http://127.0.0.1:4566\n")
        with pytest.raises(TargetError, match="profile 'local' sets endpoint_url"):
            aws.connect("aws", region="us-east-1", profile="local")

    def test_the_emulators_key(self, clean, emulator):
        clean.setenv("AWS_ACCESS_KEY_ID", emulator.access_key_id)
        clean.setenv("AWS_SECRET_ACCESS_KEY", emulator.secret_access_key)
        with pytest.raises(TargetError, match="an emulator's, not AWS's"):
            aws.connect("aws", region="us-east-1")

    def test_a_profile_that_is_not_there(self, clean):
        with pytest.raises(TargetError, match=r"profile cannot be used: .*nobody"):
            aws.connect("aws", region="us-east-1", profile="nobody")


def test_on_aws_the_clients_go_to_aws(credentials):
    session = aws.connect("aws", region="eu-central-1")
    assert session.client("ec2").meta.endpoint_url == "https://ec2.eu-central-1.amazonaws.com"


class TestWhereami:
    def test_on_the_emulator(self, home, emulator):
        where = aws.whereami(aws.connect())
        assert (where.target, where.account_id) == ("emulator", "123456789012")
        assert where.endpoint_url == emulator.endpoint_url
        assert where.host_kind in ("kernel", "in-process")
        assert where.pace == "lab"
        assert "the emulator on this machine" in str(where)
        assert "<td" in where._repr_html_()

    def test_refused_credentials_in_awss_own_words(self, emulator):
        session = boto3.Session(
            botocore_session=aws.on_emulator(emulator)._session,  # one of its own: it is changed
            aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
            aws_secret_access_key="x",
            region_name="us-east-1",
        )
        with pytest.raises(TargetError, match=r"security token .* invalid.*InvalidClientTokenId"):
            aws.whereami(session)


@pytest.mark.parametrize(
    ("user", "prefix"),
    [
        ("alice", "flow-logs-lab-alice"),
        ("Jürgen O'Neil", "flow-logs-lab-j-rgen-o-neil"),
        ("-_-", "flow-logs-lab-user"),
        ("x" * 60, "flow-logs-lab-" + "x" * 20),
    ],
)
def test_default_prefix(monkeypatch, user, prefix):
    monkeypatch.setenv("LOGNAME", user)
    assert aws.default_prefix() == prefix
    assert re.fullmatch(r"[a-z][a-z0-9-]*", prefix)


def test_an_answer_tells_when_it_was_given(session):
    answer = session.client("ec2").describe_vpcs()
    assert abs((aws.answered_at(answer) - datetime.now(UTC)).total_seconds()) < 60
