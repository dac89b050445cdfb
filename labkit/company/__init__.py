"""A day in the flow log of a small company, made up, with four things in it that are to be found.

Ordinary traffic (customers, applications, a database, backups, updates, an office), and in it a
port scan, a beacon, a leak by night, and a service that keeps asking at a closed door. Made from a
seed: the same one gives the same bytes, another one other culprits at other times (with the
versions of NumPy and zlib that requirements.txt pins; keys name the text's own hash).
"""

from labkit.company.bucket import bucket_name, exists, remove, upload
from labkit.company.files import DAY
from labkit.company.hints import hints
from labkit.company.hosts import directory
from labkit.company.truth import truth

__all__ = ["DAY", "bucket_name", "directory", "exists", "hints", "remove", "truth", "upload"]
