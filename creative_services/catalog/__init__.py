"""What is known about the vendors' models: the default ones, their retirements and successors, their prices."""

from creative_services.catalog.lifecycle import Notice as Notice
from creative_services.catalog.lifecycle import notices as notices
from creative_services.catalog.lifecycle import stands_in_for as stands_in_for
from creative_services.catalog.prices import price_of as price_of
from creative_services.catalog.prices import priced as priced
