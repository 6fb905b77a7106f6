"""What a network is: its nodes and connections as plain data, its costs, and how files become networks."""
