"""The Pounce ASGI server: pure Python, made for free-threaded CPython."""
