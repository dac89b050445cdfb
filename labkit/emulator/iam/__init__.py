"""What of IAM is ours: operations that moto answers without a look at what they name."""
