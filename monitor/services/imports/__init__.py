"""Files with captures that somebody hands over: read as untrusted data, a capture at a time."""
