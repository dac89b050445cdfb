"""What of EC2 is ours: VPC endpoints, and the operations where moto says too little."""
