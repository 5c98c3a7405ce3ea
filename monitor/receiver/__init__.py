"""HTTP in: takes webhooks, hands them on, answers when they are stored."""
