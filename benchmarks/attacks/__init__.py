"""What an ordinary client notices while others attack the same server, and what that costs the server.

`catalogue` names the attacks, `rounds` measures one, ``python -m benchmarks.attacks`` measures all of them.
"""
