"""What ``pounce check`` looks at before a server is deployed: a file for each kind of question.

Every check is given a `Report` and adds what it finds. It asks the code that the server itself starts with wherever
that can be, so that both say the same.
"""
