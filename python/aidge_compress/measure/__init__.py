"""How good and how fast a network is, and whether a written file computes the same."""
