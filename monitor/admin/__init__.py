"""HTTP to the providers: their APIs, and the public keys that they publish."""
