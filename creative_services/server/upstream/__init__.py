"""The gateway's way to vendors: one seam, and pooled HTTP/1.1 connections behind it."""
