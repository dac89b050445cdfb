"""connect(): a plain boto3 session on AWS or on the emulator; whereami(): which of the two."""

from __future__ import annotations

import difflib
import getpass
import html
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from labkit import emulator_process
from labkit import home as lab_home
from labkit.errors import TargetError
from labkit.home import RunFile

DEFAULT_REGION = "us-east-1"
PROFILE = "labkit-emulator"
EMULATOR_KEY = "LABKIT"
"""What every access key of an emulator of ours starts with; none of AWS's does."""

LIMITS = Config(
    connect_timeout=10, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 5}
)
LIMITS_ON_LOOPBACK = Config(
    connect_timeout=5,
    read_timeout=60,
    retries={"total_max_attempts": 2},
    proxies={},  # none of the environment's: it could not reach this machine's loopback
    s3={"addressing_style": "path"},
)


def connect(
    target: str = "emulator", *, region: str | None = None, profile: str | None = None
) -> boto3.Session:
    """Return a boto3 session on the emulator (started on first need) or on AWS.

    The environment is left as it is.

    Args:
        target: "emulator", or "aws", which costs money.
        region: default: us-east-1 on the emulator, the configured one on AWS.
        profile: a profile of ~/.aws, for AWS only.

    Raises:
        TargetError: targets mixed, no credentials, or no such target, region or profile.
        EmulatorError: the emulator cannot be started.
    """
    if target == "emulator":
        if profile:
            raise TargetError("profile= is for target='aws': the emulator has a key of its own.")
        if region:
            _check_region(region, _regions("aws"))
        return on_emulator(emulator_process.start(), region=region or DEFAULT_REGION)
    if target == "aws":
        return _on_aws(region, profile)
    raise TargetError(f"There is no target {target!r}: it is 'emulator' (the default) or 'aws'.")


class _EmulatorSession(botocore.session.Session):
    """Gives clients the emulator's endpoint, whatever AWS_ENDPOINT_URL says."""

    endpoint_url: str

    def create_client(self, *args: Any, **options: Any) -> Any:
        options["endpoint_url"] = options.get("endpoint_url") or self.endpoint_url
        return super().create_client(*args, **options)


def on_emulator(run_file: RunFile, *, region: str = DEFAULT_REGION) -> boto3.Session:
    """Return a session on the emulator that a run file tells of.

    It reads a profile of ours in a file of ours, hence nothing of the user's ~/.aws, and
    AWS_PROFILE does not matter.
    """
    core = _EmulatorSession(profile=PROFILE)
    core.endpoint_url = run_file.endpoint_url
    core.set_config_variable("config_file", str(_write_profile(run_file)))
    core.set_config_variable("credentials_file", os.devnull)
    core.set_default_client_config(LIMITS_ON_LOOPBACK)
    core.set_credentials(run_file.access_key_id, run_file.secret_access_key)
    return boto3.Session(botocore_session=core, region_name=region)


def _write_profile(run_file: RunFile) -> Path:
    """Write the profile beside the emulator's log, so that it is of the same LABKIT_HOME."""
    path = Path(run_file.log_path).with_name(lab_home.CLIENT_CONFIG)
    lines = [
        f"[profile {PROFILE}]",
        f"region = {DEFAULT_REGION}",
        f"endpoint_url = {run_file.endpoint_url}",
        f"aws_access_key_id = {run_file.access_key_id}",
        f"aws_secret_access_key = {run_file.secret_access_key}",
        "s3 =",
        "    addressing_style = path",
    ]
    text = "\n".join(lines) + "\n"
    if not path.exists() or path.read_text() != text:
        lab_home.write_private(path, text)
    return path


def _on_aws(region: str | None, profile: str | None) -> boto3.Session:
    diverted = sorted(name for name in os.environ if name.startswith("AWS_ENDPOINT_URL"))
    if diverted:
        raise TargetError(
            f"{' and '.join(diverted)} is set, so target='aws' would not reach AWS: unset it."
        )
    try:
        session = boto3.Session(profile_name=profile, region_name=region)
        if session.region_name is None:
            raise TargetError("No region is configured for AWS: say which, e.g. us-east-1.")
        _check_region(session.region_name, _regions())
        _check_endpoint(session)
        credentials = session.get_credentials()
    except BotoCoreError as error:
        raise TargetError(f"The AWS profile cannot be used: {error}") from None
    if credentials is None:
        raise TargetError(
            "No AWS credentials were found: run `aws configure` or `aws sso login`, "
            "or stay on the emulator (target='emulator')."
        )
    if credentials.access_key.startswith(EMULATOR_KEY):
        raise TargetError(
            "The access key in use is an emulator's, not AWS's: open a new shell, "
            "or unset AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    core: Any = session._session  # boto3 has no public way to set the default
    core.set_default_client_config(LIMITS)
    return session


def _check_endpoint(session: boto3.Session) -> None:
    core: Any = session._session
    for name in ("endpoint_url", "services"):
        if value := core.get_scoped_config().get(name):
            raise TargetError(
                f"The AWS profile {session.profile_name!r} sets {name} = {value}, "
                "so target='aws' might not reach AWS: choose another profile."
            )


def _regions(partition: str | None = None) -> list[str]:
    session = boto3.Session(aws_access_key_id="-", aws_secret_access_key="-")
    partitions = [partition] if partition else session.get_available_partitions()
    return [name for one in partitions for name in session.get_available_regions("sts", one)]


def _check_region(region: str, known: list[str]) -> None:
    if region not in known:
        nearest = difflib.get_close_matches(region, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(nearest)}?" if nearest else "e.g. us-east-1."
        raise TargetError(f"There is no region {region!r}: {hint}")


@dataclass(frozen=True, slots=True, repr=False)
class Whereami:
    """Whose account, which region, and whether it is AWS or the emulator.

    host_kind, host_kind_reason and pace are the emulator's; credentials_expire_at is set where
    AWS's credentials are temporary.
    """

    target: str
    account_id: str
    arn: str
    region: str
    endpoint_url: str | None = None
    host_kind: str | None = None
    host_kind_reason: str | None = None
    pace: str | None = None
    credentials_expire_at: datetime | None = None

    @property
    def suggested_ping_count(self) -> int:
        """Echo requests that a lab's ping should send.

        On AWS a minute of them: a flow log collects from some minutes after its creation on, and a
        longer ping is surely seen.
        """
        return 60 if self.target == "aws" else 5

    @property
    def patience_s(self) -> float:
        """Seconds to wait for flow records before asking why there are none.

        On AWS they take about 5 minutes to CloudWatch Logs and 10 to S3, best effort.

        Source: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
        """
        return 5 if self.pace == "lab" else 25 * 60

    @property
    def patience_for_nodes_s(self) -> float:
        """Seconds to wait for an instance's agent to report: on AWS it takes one to two minutes."""
        return 60 if self.pace == "lab" else 15 * 60

    def rows(self) -> list[tuple[str, str]]:
        """Return what there is to say, as pairs of a name and a text."""
        name = "the emulator on this machine" if self.target == "emulator" else "AWS (costs money)"
        hosts = self.host_kind or ""
        if self.host_kind_reason:
            hosts += f" ({self.host_kind_reason})"
        expiry = self.credentials_expire_at
        found = [
            ("where", name),
            ("account", self.account_id),
            ("you are", self.arn),
            ("region", self.region),
            ("endpoint", self.endpoint_url or ""),
            ("hosts", hosts),
            ("pace", self.pace or ""),
            ("credentials end", f"{expiry:%Y-%m-%d %H:%M} UTC" if expiry else ""),
        ]
        return [(name, text) for name, text in found if text]

    def __str__(self) -> str:
        return "\n".join(f"{name:<16}{text}" for name, text in self.rows())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<tr><th style='text-align:left'>{name}</th>"
            f"<td style='text-align:left'>{html.escape(text)}</td></tr>"
            for name, text in self.rows()
        )
        return f"<table>{cells}</table>"


def whereami(aws: boto3.Session) -> Whereami:
    """Ask STS who and where we are.

    Raises:
        TargetError: the credentials are missing, expired or refused, in AWS's own words.
    """
    sts = aws.client("sts")
    try:
        identity = sts.get_caller_identity()
    except ClientError as error:
        said = error.response["Error"]
        raise TargetError(
            f"AWS does not take these credentials: {said['Message']} ({said['Code']}). "
            "Renew them, e.g. with `aws sso login`, and run this again."
        ) from None
    except BotoCoreError as error:
        raise TargetError(f"We cannot ask AWS who we are: {error}") from None
    common = {
        "account_id": identity["Account"],
        "arn": identity["Arn"],
        "region": aws.region_name or sts.meta.region_name,
    }
    credentials: Any = aws.get_credentials()
    if not credentials.access_key.startswith(EMULATOR_KEY):
        expiry = getattr(credentials, "_expiry_time", None)
        return Whereami("aws", **common, credentials_expire_at=expiry)
    endpoint_url = sts.meta.endpoint_url
    run_file = lab_home.read_run_file(lab_home.home())
    if run_file is None or run_file.endpoint_url != endpoint_url:
        return Whereami("emulator", **common, endpoint_url=endpoint_url)
    return Whereami(
        "emulator",
        **common,
        endpoint_url=endpoint_url,
        host_kind=run_file.host_kind,
        host_kind_reason=run_file.host_kind_reason,
        pace=run_file.pace,
    )


def answered_at(answer: Mapping[str, Any]) -> datetime:
    """Return when the other side answered, by its own clock, to the second: the header Date.

    Args:
        answer: What a boto3 client returned.
    """
    return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])


def default_prefix() -> str:
    """Return "flow-logs-lab-" and the user's name, made fit for a stack's name."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = ""
    cleaned = re.sub(r"[^a-z0-9]+", "-", user.lower()).strip("-")[:20].strip("-")
    return f"flow-logs-lab-{cleaned or 'user'}"
