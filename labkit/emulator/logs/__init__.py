"""What of CloudWatch Logs is ours: filter patterns and the order of filtered events."""
