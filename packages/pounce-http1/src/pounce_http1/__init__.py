"""A strict and fast sans-I/O HTTP/1.1 request parser and response writer in pure Python."""
