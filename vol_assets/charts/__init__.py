"""What every picture shares: the house style. Rooms draw their own pictures with it."""
