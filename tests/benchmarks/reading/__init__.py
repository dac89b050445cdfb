"""Parts of `read_flow_logs.py`: data, a local S3, the methods, the measuring, the table."""
