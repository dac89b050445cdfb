"""What the notebooks of the VPC Flow Logs lab stand on."""
