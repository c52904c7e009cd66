"""What may be found in a file, and what operators may be alerted to: codes, severities, texts."""
