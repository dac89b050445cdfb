"""What the control process and the data process tell each other, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from labkit.emulator.aggregation import Capture, FlowRecord
from labkit.network.resources import Vpc


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """A script for one instance: what SendCommand asked for, with every default filled in.

    environment is added to the host's own and wins over it.
    """

    command_id: str
    instance_id: str
    lines: tuple[str, ...]
    working_directory: str | None = None
    execution_timeout_s: float = 3600
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """How a script ended. Times are epoch seconds.

    status is Success, Failed, TimedOut or Cancelled, as in GetCommandInvocation; stdout and stderr
    hold at most the first MiB.
    """

    command_id: str
    instance_id: str
    status: str
    status_details: str
    exit_code: int
    stdout: str
    stderr: str
    started_at: float
    ended_at: float


@dataclass(frozen=True, slots=True)
class Settings:
    """The first message down. host_kind is "auto", "kernel" or "in-process".

    hidden are folders of the machine that no command may see, beside those always hidden.
    """

    pace: str
    host_kind: str
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SetVpc:
    number: int
    vpc_id: str
    vpc: Vpc | None
    captures: Mapping[str, tuple[Capture, ...]]


@dataclass(frozen=True, slots=True)
class Run:
    command: CommandSpec


@dataclass(frozen=True, slots=True)
class Cancel:
    command_id: str
    instance_id: str


@dataclass(frozen=True, slots=True)
class Stop:
    pass


@dataclass(frozen=True, slots=True)
class Ready:
    """The first message up: hosts can be made, and of which kind."""

    host_kind: str
    host_kind_reason: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """The other first message up: hosts of the kind asked for are impossible here."""

    reason: str


@dataclass(frozen=True, slots=True)
class VpcSet:
    """The rules of SetVpc are in force and its hosts are up, or why not."""

    number: int
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Started:
    command_id: str
    instance_id: str
    at: float


@dataclass(frozen=True, slots=True)
class Finished:
    outcome: CommandOutcome


@dataclass(frozen=True, slots=True)
class AgentSeen:
    """What became of an instance's agent: by service, when it was last heard (epoch seconds).

    None: no connection to that service stands. Empty: there is no agent.
    """

    instance_id: str
    heard_at: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Records:
    records: tuple[FlowRecord, ...]
