"""Draw through the MCP server, as any MCP client does: start the server, call the whole loop, save the picture.

python examples/mcp_client.py "a lobster in a kimono" lobster.png
"""

import asyncio
import base64
import os
import sys
from pathlib import Path

from mcp import Client, StdioServerParameters, stdio_client


async def draw(prompt: str, out: Path) -> str:
    """Draw, save the full image, and return the words that came with it."""
    # The SDK hands only a few variables on by itself; IMAGERAG_HOME and the like are wanted too.
    server = StdioServerParameters(command=sys.executable, args=["-m", "imagerag", "mcp"], env=dict(os.environ))

    async def progress(done: float, total: float | None, message: str | None) -> None:
        print(message, file=sys.stderr)

    async with Client(stdio_client(server)) as client:
        result = await client.call_tool("create_image", {"prompt": prompt}, progress_callback=progress)
        if result.is_error or not result.structured_content:
            raise SystemExit(str(result.content))
        full = await client.read_resource(result.structured_content["image"]["uri"])
        out.write_bytes(base64.b64decode(full.contents[0].blob))  # type: ignore[union-attr]
        return result.content[0].text  # type: ignore[union-attr]


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    print(asyncio.run(draw(sys.argv[1], Path(sys.argv[2]))))
