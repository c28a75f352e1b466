"""What an adversary may deliver, configure or swap, through the command line."""
