"""Who gets in: keys, their limits, and the door keeper who checks both."""
