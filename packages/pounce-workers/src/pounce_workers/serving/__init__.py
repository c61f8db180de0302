"""Connections and the workers that serve them."""
