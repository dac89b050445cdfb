"""Flow logs: the API, and the delivery of closed records to S3 and CloudWatch Logs."""
