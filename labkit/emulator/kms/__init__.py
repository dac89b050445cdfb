"""AWS Key Management Service: the metadata of keys, and no cryptography."""
