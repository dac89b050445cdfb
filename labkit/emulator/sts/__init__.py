"""What of STS is ours: AssumeRole, for roles that exist."""
