"""What a user would write instead, each a script of its own."""
