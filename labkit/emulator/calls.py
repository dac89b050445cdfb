"""Who answers a call: an operation of ours, moto if it is on the allow-list, or a refusal."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from labkit.emulator import moto_ignores
from labkit.emulator.ec2 import request_values, wording
from labkit.emulator.operations import DRY_RUN_THEMSELVES, Call, Operation, Operations
from labkit.emulator.refusal import ServiceError, not_emulated
from labkit.emulator.upstream import failed_in_moto
from labkit.errors import LabError

log = logging.getLogger("labkit.emulator")

READING = ("Describe", "Get", "List", "Head", "Lookup", "Search", "Filter", "Validate")

Changed = Callable[[str, str, str, bytes], None]
"""Told of each call that may have changed something: service, operation, region, and the
text of the parameters and of the answer, in which all ids that it touched stand."""


class Calls:
    """Answers calls whose parameters are parsed.

    Args:
        operations: ours, by service and operation.
        forwarded: the allow-list of operations that moto answers.
        moto: answers a call of those.
        changed: called after a mutating call succeeded, before its answer goes out.
        log_path: where its own bugs are logged, for the sentence that admits one.
    """

    def __init__(
        self,
        operations: Operations,
        forwarded: Mapping[str, frozenset[str]],
        moto: Operation,
        *,
        changed: Changed = lambda *_: None,
        log_path: str = "its log",
    ):
        self._operations = operations
        self._forwarded = forwarded
        self._moto = moto
        self._changed = changed
        self._log_path = log_path

    def __call__(self, call: Call) -> dict[str, Any]:
        """Return the answer in botocore's output shape.

        Raises:
            ServiceError: and nothing else; never with a 5xx, which boto3 would retry.
        """
        with_these = f"{call.operation} with these parameters"
        try:
            operation = self.operation(call.service, call.operation)
            moto_ignores.check(call)
            request_values.check(call)
            answer = moto_ignores.in_pages(call, operation)
            if not call.operation.startswith(READING):
                touched = repr((call.parameters, answer)).encode()
                self._changed(call.service, call.operation, call.region, touched)
            return answer
        except ServiceError as error:
            if error.status < 500:
                raise wording.as_on_aws(call.service, error) from None
            log.warning("moto answered %s:%s with %s", call.service, call.operation, error)
        except ClientError as error:  # an inner client's: moto's own words
            raise wording.as_on_aws(call.service, _as_service_error(error)) from None
        except LabError as error:  # the data process is gone, or cannot make a host
            log.error("%s", error)
            raise ServiceError("InternalError", str(error)) from None
        except NotImplementedError as error:  # moto's way to say so, of a filter for example
            log.info("moto has not: %s", error)
        except Exception as error:
            place = failed_in_moto(error)
            if place is None:
                log.exception("A bug of the emulator's in %s:%s", call.service, call.operation)
                raise self.bug() from None
            log.warning(
                "moto failed at %s:%s: %r in %s", call.service, call.operation, error, place
            )
        raise not_emulated(call.service, with_these)

    def operation(self, service: str, operation: str) -> Operation:
        """Return what answers an operation.

        Raises:
            ServiceError: nobody does.
        """
        ours = self._operations.get((service, operation))
        if ours is None and operation not in self._forwarded.get(service, ()):
            raise not_emulated(service, operation)
        answering = ours or self._moto
        if service == "ec2" and operation not in DRY_RUN_THEMSELVES:
            return lambda call: _unless_dry_run(call, answering)
        return answering

    def is_ours(self, service: str, operation: str) -> bool:
        return (service, operation) in self._operations

    def bug(self) -> ServiceError:
        """Return what a client is told of a bug of ours."""
        message = f"The emulator has a bug: its traceback is in {self._log_path}."
        return ServiceError("InternalError", message, 400)


def _unless_dry_run(call: Call, operation: Operation) -> dict[str, Any]:
    """Refuse a DryRun before it does something: neither moto nor ours look at it everywhere.

    Source: docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html
    """
    if call.parameters.get("DryRun"):
        message = "Request would have succeeded, but DryRun flag is set."
        raise ServiceError("DryRunOperation", message, 412)
    return operation(call)


def _as_service_error(error: ClientError) -> ServiceError:
    answer: Any = error.response
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    return ServiceError(
        answer["Error"]["Code"], answer["Error"]["Message"], status if status < 500 else 400
    )
