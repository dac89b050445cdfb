"""The network of a small company: what its administrator would hand to an investigator.

One VPC, 10.20.0.0/16, with a public address for each host and one route to an internet gateway,
so records name the hosts by their private addresses. The office reaches it by a VPN, with its
own addresses, 192.168.10.0/24. All others come from the ranges kept for documentation
(RFC 5737): they belong to nobody.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass

import pandas as pd

VPC_CIDR = "10.20.0.0/16"
OFFICE_CIDR = "192.168.10.0/24"
INTERNET_CIDRS = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")


@dataclass(frozen=True, slots=True)
class Host:
    """An instance with one network interface.

    Attributes:
        listens: The ports that its security group lets in; anything else is rejected.
    """

    name: str
    address: str
    role: str
    listens: tuple[int, ...] = ()

    @property
    def interface_id(self) -> str:
        """An id of EC2's form, always the same for a name."""
        return f"eni-0{hashlib.sha256(self.name.encode()).hexdigest()[:16]}"


EXPORTER = 9100  # the port that monitoring asks each host on
HOSTS = (
    Host("web-1", "10.20.0.11", "web server, open to everyone", (80, 443, EXPORTER)),
    Host("web-2", "10.20.0.12", "web server, open to everyone", (80, 443, EXPORTER)),
    Host("app-1", "10.20.1.21", "application behind the web servers", (8080, EXPORTER)),
    Host("app-2", "10.20.1.22", "application behind the web servers", (8080, EXPORTER)),
    Host("report-1", "10.20.1.31", "nightly reports, asks the database", (EXPORTER,)),
    Host("build-1", "10.20.1.32", "builds the software", (22, EXPORTER)),
    Host("batch-1", "10.20.1.33", "batch jobs", (22, EXPORTER)),
    Host("mirror-1", "10.20.1.40", "mirror of software updates", (443, EXPORTER)),
    Host("monitor-1", "10.20.1.50", "monitoring: asks each host every 5 minutes", (443,)),
    Host("dns-1", "10.20.1.53", "the company's own DNS and NTP server", (53, 123, EXPORTER)),
    Host("db-1", "10.20.2.20", "database (PostgreSQL)", (5432, EXPORTER)),
    Host("files-1", "10.20.2.25", "file server of the office", (445, EXPORTER)),
    Host("backup-1", "10.20.2.30", "takes the nightly backups", (22, EXPORTER)),
    Host("spare-1", "10.20.2.99", "switched on, and not in use yet"),
)
BY_NAME = {host.name: host for host in HOSTS}
BY_ADDRESS = {host.address: host for host in HOSTS}


def address(name: str) -> str:
    """Return the address of a host, e.g. of "web-1"."""
    return BY_NAME[name].address


def directory() -> pd.DataFrame:
    """Return the company's list of hosts by name: address, role, the ports they are open on."""
    rows = [
        (host.name, host.address, host.role, ", ".join(map(str, host.listens)) or "none")
        for host in HOSTS
    ]
    frame = pd.DataFrame(rows, columns=["name", "address", "role", "open ports"])
    return frame.set_index("name")


def addresses(cidr: str) -> list[str]:
    """Return the addresses that a host of the network can have."""
    return [str(one) for one in ipaddress.ip_network(cidr).hosts()]
