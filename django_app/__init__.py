"""What people manage and audit: Django apps over ``creative_services``."""
