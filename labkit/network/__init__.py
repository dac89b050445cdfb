"""The rules of a VPC, pure: what would happen to this packet, and which rule decides."""
