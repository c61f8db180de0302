"""A FastAPI application: routes that wait and routes that block, validation, and state from its lifespan.

Serve it with ``pounce examples.fastapi_app:app``, then ``curl http://127.0.0.1:8000/items/7``;
the documentation that FastAPI makes is at ``http://127.0.0.1:8000/docs``.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import AsyncIterator  # noqa: TC003 - FastAPI reads the annotations
from typing import TypedDict

from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel, Field


class State(TypedDict):
    """What the lifespan gives to every request, as ``request.state``."""

    stock: dict[int, str]


class Item(BaseModel):
    """A thing on a shelf."""

    id: int = Field(ge=1)
    name: str = Field(min_length=1, max_length=100)


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[State]:
    """Yield the state instead of storing it on the application: then it belongs to the worker that uses it."""
    yield {"stock": {7: "tea"}}


app = FastAPI(title="A shelf", lifespan=lifespan)


@app.get("/")
async def index() -> dict[str, str]:
    """Answer without waiting for anything."""
    return {"hello": "world"}


@app.get("/items/{item_id}")
async def read_item(item_id: int, request: Request) -> Item:
    """Look an item up in the state of the worker."""
    stock: dict[int, str] = request.state.stock
    if item_id not in stock:
        raise HTTPException(404, f"there is no item {item_id}")
    return Item(id=item_id, name=stock[item_id])


@app.post("/items", status_code=201)
async def create_item(item: Item, request: Request) -> Item:
    """Take an item; FastAPI refuses one that does not fit the model with 422."""
    request.state.stock[item.id] = item.name
    return item


@app.get("/thread")
def blocking() -> dict[str, str]:
    """A ``def`` route may block: it runs in a thread, and the worker goes on serving."""
    return {"thread": threading.current_thread().name}
