"""Small programs that hooktop is measured beside, each run in a process of its own."""
