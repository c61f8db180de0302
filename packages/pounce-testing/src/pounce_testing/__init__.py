"""Test applications on a real Pounce server: TestServer and pytest fixtures."""
