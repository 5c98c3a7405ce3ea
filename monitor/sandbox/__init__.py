"""Local look-alikes of the providers: their traffic, signed with local keys, for the demo, ``send`` and the tests."""
