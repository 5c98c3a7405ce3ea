"""Look-alikes of the providers' APIs on loopback: what they document, and every way in which a call can go wrong."""
