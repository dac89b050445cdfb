"""moto behind the gateway: its operations, S3's WSGI application, and what no client can ask of it.

The only module that touches moto's backends; everything else speaks to clients.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import botocore.session

from labkit.emulator import moto_operations, moto_s3, plain_results
from labkit.emulator.operations import Call
from labkit.emulator.service_models import LOADER

ACCOUNT_ID = "123456789012"
USER_NAME = "learner"
DEFAULT_REGION = "us-east-1"

OWN_ACCOUNT = {"HTTP_X_MOTO_ACCOUNT_ID": ACCOUNT_ID}
"""Spares moto the search for a key's account, for which it makes IAM anew in each partition."""

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Clients(Protocol):
    """Gives the boto3 client of a service in a region; the same one each time, thread-safe."""

    def __call__(self, service: str, region: str) -> Any: ...


class Moto:
    """moto, made when it is first asked, one call of a service at a time.

    moto's backends are plain dicts and lists without locks: a thread that lists while another
    creates sees "dictionary changed size during iteration".

    Args:
        key: an access key id and its secret, which shall belong to an IAM user.
    """

    def __init__(self, key: tuple[str, str] | None = None) -> None:
        self._key = key
        self._making = threading.Lock()
        self._is_made = False
        self._turns: dict[str, threading.RLock] = {}

    def answer(self, call: Call) -> dict[str, Any]:
        """Answer a call of any service but S3.

        Raises:
            ServiceError: in moto's words.
            NotImplementedError: moto has not got it.
        """
        self._make()
        with self.turn(call.service):
            return moto_operations.answer(call)

    def s3(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request to S3, as a WSGI application."""
        self._make()
        with self.turn("s3"):
            return list(moto_s3.answer({**environ, **OWN_ACCOUNT}, start_response))

    def _make(self) -> None:
        """Give the key to an IAM user, so that GetCallerIdentity says who one is."""
        with self._making:
            if self._is_made:
                return
            if self._key:
                _give_user_key(*self._key)
            self._is_made = True

    def secret(self, access_key_id: str) -> str | None:
        """Return the secret of an active key that moto's IAM or STS issued, else None."""
        self._make()
        from moto.iam.models import iam_backends

        key = iam_backends[ACCOUNT_ID]["aws"].access_keys.get(access_key_id)
        return key.secret_access_key if key and key.status == "Active" else None

    def take_address(self, region: str, subnet_id: str, address: str | None = None) -> str | None:
        """Take an address of a subnet (None: the next free one) so that no other gets it.

        moto gives a network interface any random address, be it taken or reserved. Returns None
        where there is no free one.
        """
        self._make()
        from moto.ec2.models import ec2_backends

        subnet: Any = ec2_backends[ACCOUNT_ID][region].get_subnet(subnet_id)
        with self.turn("ec2"):
            if address is not None:
                subnet.request_ip(address, None)
                return address
            try:
                return subnet.get_available_subnet_ip(None)
            except StopIteration:
                return None

    def free_address(self, region: str, subnet_id: str, address: str) -> None:
        from moto.ec2.models import ec2_backends

        subnet: Any = ec2_backends[ACCOUNT_ID][region].get_subnet(subnet_id)
        with self.turn("ec2"):
            subnet.del_subnet_ip(address)

    def turn(self, service: str) -> threading.RLock:
        """Return the lock of a service: whoever holds it sees nothing change in it."""
        return self._turns.setdefault(service, threading.RLock())


def _give_user_key(access_key_id: str, secret_access_key: str) -> None:
    from moto.iam.models import iam_backends

    iam = iam_backends[ACCOUNT_ID]["aws"]
    user = iam.create_user("us-east-1", USER_NAME)
    user.id = f"AIDA{access_key_id[-16:]}"
    key = user.create_access_key(prefix="AKIA")
    key.access_key_id, key.secret_access_key = access_key_id, secret_access_key
    iam.access_keys[access_key_id] = key


_CALLING_MOTO = (
    __file__,
    moto_operations.__file__,
    moto_s3.__file__,
    plain_results.__file__,
)


def failed_in_moto(error: Exception) -> str | None:
    """Return where moto failed, or None for an error that is not of moto's making.

    It is moto's if moto was called last: below the last frame of ours, which is where it is called.
    """
    frames = traceback.extract_tb(error.__traceback__)
    ours = [number for number, frame in enumerate(frames) if "/labkit/" in frame.filename]
    if not ours or frames[ours[-1]].filename not in _CALLING_MOTO:
        return None
    moto = [frame for frame in frames[ours[-1] :] if "/moto/" in frame.filename]
    return f"{moto[-1].filename.rpartition('/moto/')[2]}:{moto[-1].lineno}" if moto else None


def regions() -> frozenset[str]:
    """Return the regions that the emulator has: those of AWS's standard partition."""
    session = botocore.session.get_session()
    session.register_component("data_loader", LOADER)
    # Asked of STS, which is everywhere and whose model loads fast.
    return frozenset(session.get_available_regions("sts", "aws"))
