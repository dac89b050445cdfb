"""Amazon Athena: workgroups and named queries; no query runs."""
