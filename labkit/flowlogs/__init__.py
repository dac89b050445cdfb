"""Flow log records: from S3 and from CloudWatch Logs, the ping in them, the two compared."""
