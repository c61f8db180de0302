"""Workers are born, watched over, replaced and brought to their end."""
