"""The words of hooktop as plain, frozen data. Nothing here does I/O or knows the time by itself."""
