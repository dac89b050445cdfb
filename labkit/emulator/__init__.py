"""AWS's control plane on loopback, and a data plane where real packets flow."""
