"""The same three FastAPI routes under every server: what most people will serve."""

from __future__ import annotations

from fastapi import FastAPI
from pydantic import BaseModel, Field

__all__ = ["app"]

app = FastAPI(openapi_url=None)


class Line(BaseModel):
    """One line of an order."""

    name: str = Field(min_length=1, max_length=40)
    price: float = Field(gt=0)
    count: int = Field(ge=1, le=100)


class Order(BaseModel):
    """What the POST route validates."""

    customer: str
    lines: list[Line] = Field(min_length=1)


@app.get("/")
async def hello() -> dict[str, str]:
    """JSON from a coroutine."""
    return {"hello": "world"}


@app.get("/thread")
def thread() -> dict[str, str]:
    """JSON from a plain function, which FastAPI runs in a thread."""
    return {"hello": "thread"}


@app.post("/orders")
async def order(order: Order) -> dict[str, str | float]:
    """A body read, parsed and validated."""
    return {"customer": order.customer, "total": sum(line.price * line.count for line in order.lines)}
