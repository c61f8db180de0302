"""The commands besides ``serve``: a file for each, imported when it is asked for."""
