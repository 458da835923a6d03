"""Destinations beside Slack: the terminal and a webhook."""
