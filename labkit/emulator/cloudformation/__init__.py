"""CloudFormation: templates in, resources made by one provider per type, events as on AWS."""
