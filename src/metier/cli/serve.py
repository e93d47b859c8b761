"""`metier serve` and `metier demo`: the server, its address, and the one-time link to the first admin."""

import asyncio
import errno
import signal
import socket
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from metier.cli.terminal import say
from metier.errors import Unavailable
from metier.settings import Settings

if TYPE_CHECKING:
    import uvicorn

    from metier.app import Metier

TRIES = 20  # ports looked at by `metier demo` when the usual one is taken


def register(app: typer.Typer) -> None:
    """Add the commands."""

    @app.command()
    def serve(
        host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
        port: Annotated[int | None, typer.Option(help="Port to listen on.", min=0, max=65535)] = None,
    ) -> None:
        """Start the server."""
        settings = _settings(host, port)
        _run(settings, _listen(settings, tries=1), demo=False)

    @app.command()
    def demo(
        load_only: Annotated[bool, typer.Option("--load-only", help="Only load the sample workspace.")] = False,
        host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
        port: Annotated[int | None, typer.Option(help="Port to listen on.", min=0, max=65535)] = None,
    ) -> None:
        """Load a sample workspace and start the server."""
        settings = _settings(host, port)
        if load_only:
            asyncio.run(_load_only(settings))
        else:
            _run(settings, _listen(settings, tries=TRIES if port is None else 1), demo=True)


def _settings(host: str | None, port: int | None) -> Settings:
    given = {"host": host, "port": port}
    return Settings.load().model_copy(update={name: value for name, value in given.items() if value is not None})


def _listen(settings: Settings, *, tries: int) -> socket.socket:
    """Bind the port first: a taken one is told before anything else is started."""
    for port in range(settings.port, min(settings.port + tries, 65_536)):
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        taken = socket.socket(family)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((settings.host, port))
        except OSError as error:
            taken.close()
            if error.errno != errno.EADDRINUSE:
                raise Unavailable(
                    f"Cannot listen on {settings.host}:{port}: {error.strerror}.", cure="Give another --host or --port."
                ) from error
            continue
        return taken
    first, last = settings.port, min(settings.port + tries, 65_536) - 1
    ports = f"Port {first} is" if first == last else f"The ports {first} to {last} are all"
    raise Unavailable(
        f"{ports} taken on {settings.host}.", cure="Give another one: --port NUMBER (0 takes a free one)."
    )


def _run(settings: Settings, listening: socket.socket, *, demo: bool) -> None:
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_serve(settings, listening, demo=demo))
        except asyncio.CancelledError:
            raise SystemExit(128 + signal.SIGTERM) from None


async def _serve(settings: Settings, listening: socket.socket, *, demo: bool) -> None:
    import uvicorn

    from metier import api, web
    from metier.app import Metier

    _close_on_sigterm()
    settings = settings.model_copy(update={"port": listening.getsockname()[1]})  # the one that was free
    async with Metier.open(settings) as metier:
        if demo:
            await _load(metier)
        site = api.build(metier, web.renderers(metier))
        web.attach(site, metier)
        config = uvicorn.Config(
            site, log_level="warning", lifespan="off", timeout_graceful_shutdown=2, server_header=False
        )
        server = uvicorn.Server(config)
        server.capture_signals = partial(_ended_by_signals, server)
        server.startup = partial(_start, server.startup, metier, address(settings, settings.port), demo)
        await server.serve(sockets=[listening])


async def _start(
    startup: Callable[..., Awaitable[None]],
    metier: "Metier",
    address: str,
    demo: bool,
    sockets: list[socket.socket] | None = None,
) -> None:
    """Say where the server is once it answers, then run the schedules: what they need takes a moment to come up."""
    await startup(sockets=sockets)
    await _greet(metier, address, demo=demo)
    metier.engine.launch()


def _close_on_sigterm() -> None:
    """End the task that asks, and so close the house, if the process is told to end before the server is up."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


@contextmanager
def _ended_by_signals(server: "uvicorn.Server") -> Generator[None]:
    """End the server in order on SIGINT and SIGTERM; uvicorn's own way kills the process before the house is closed."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, server.handle_exit, number, None)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


async def _load_only(settings: Settings) -> None:
    from metier.app import Metier

    async with Metier.open(settings, takes_over=False) as metier:
        await _load(metier)


async def _load(metier: "Metier") -> None:
    workspaces = await metier.access.workspaces()
    actor = await metier.access.operator() if workspaces else await metier.found_workspace("Acme Inc")
    counts = await metier.load_sample(actor)
    if counts:
        names = {kind.name: kind.label_plural.lower() for kind in await metier.records.objects(actor)}
        say("Sample workspace loaded: " + ", ".join(f"{n} {names[name]}" for name, n in counts.items()) + ".")
    else:
        say("The sample workspace is already there.")


async def _greet(metier: "Metier", at: str, *, demo: bool) -> None:
    say(f"Metier is at {at}")
    workspaces = await metier.access.workspaces()
    if not workspaces:
        token = await metier.access.admin_link()
        say(f"Begin here (one-time link, valid 24 hours): {at}/link/{token}")
    elif demo or not await metier.access.can_sign_in():
        token = await metier.access.admin_link(workspaces[0].id)
        say(f"Sign in as admin (one-time link, valid 24 hours): {at}/link/{token}")
    say("Stop with Ctrl+C.")


def address(settings: Settings, port: int) -> str:
    """Give where people reach the server."""
    return settings.public_url or f"http://{_host(settings)}:{port}"


def _host(settings: Settings) -> str:
    if settings.host in ("0.0.0.0", "::"):
        return "localhost"
    return f"[{settings.host}]" if ":" in settings.host else settings.host
