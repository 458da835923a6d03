"""What the team reads in Slack: pure blocks, their limits and words, and the client that sends them."""
