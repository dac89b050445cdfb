"""AWS Glue: the Data Catalog's databases and tables."""
