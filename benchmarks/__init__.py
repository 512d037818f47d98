"""Figures, measured side by side with peers in one run and printed as ratios. Nothing here decides a test."""
