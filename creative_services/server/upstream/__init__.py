"""The gateway's way to vendors: their doors, one seam, and pooled HTTP/1.1 connections behind it."""
