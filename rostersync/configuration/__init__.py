"""What is written in `include/`: the dictionary, districts, waves."""
