"""Starlette that reads a body and answers, on uvicorn: with h11 on asyncio, or with the two names after the port."""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def hook(request: Request) -> JSONResponse:
    """Take a webhook."""
    await request.body()
    return JSONResponse({"status": "stored"})


app = Starlette(routes=[Route("/{provider}", hook, methods=["POST"])])

if __name__ == "__main__":
    port = int(sys.argv[1])
    parser, loop = sys.argv[2:] or ("h11", "asyncio")
    # uvicorn's own names for a parser and an event loop
    uvicorn.run(app, host="127.0.0.1", port=port, http=parser, loop=loop, log_level="error", access_log=False)
