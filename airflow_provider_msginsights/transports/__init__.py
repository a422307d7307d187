"""How bytes move: two thin drivers, one for workers, one for triggers."""
