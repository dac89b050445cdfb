"""Systems Manager: managed nodes and Run Command."""
