"""The rows, one a file: `NAME`, and `async def run(options) -> Report`."""
