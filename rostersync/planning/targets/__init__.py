"""planning/targets."""
