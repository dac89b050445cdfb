"""An emulator of the AWS services that the lab uses, with real packets between its hosts."""
