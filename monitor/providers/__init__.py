"""The providers: who sends webhooks, how they sign them and what they mean."""
