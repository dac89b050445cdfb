"""AWS's control plane on loopback, and a data plane where real packets flow."""

import os

# moto reads its settings from the environment while it is imported, hence before everything else.
os.environ.update(
    {
        # No cross-origin headers: no web page may read what we answer.
        "MOTO_DISABLE_GLOBAL_CORS": "true",
        # So that AmazonSSMManagedInstanceCore exists.
        "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
        # An image, an instance type or a key pair that does not exist is refused.
        "MOTO_ENABLE_AMI_VALIDATION": "true",
        "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true",
        "MOTO_ENABLE_KEYPAIR_VALIDATION": "true",
        # A bucket's name stands in the path, never in the host's name.
        "S3_IGNORE_SUBDOMAIN_BUCKETNAME": "true",
    }
)
