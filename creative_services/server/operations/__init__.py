"""What a worker counts and says about itself: health, metrics, version."""
