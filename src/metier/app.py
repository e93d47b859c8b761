"""The roof: builds one Metier from Settings, owns every room, and closes them in order.

`async with Metier.open(Settings()) as metier: …` Nothing exists before that; two can be open in one process.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from typing import Any, ClassVar

from metier.access import Access, AllowedHosts, Outside, RoleKind, Secrets, keyring_of
from metier.access.desk import roles_of
from metier.actor import Actor
from metier.agents import Agent, AgentKind, Agents, Care, Parts
from metier.audit import Audit
from metier.chat import Chat, Repeats, Threads
from metier.clock import Clock, SystemClock
from metier.context import Ask
from metier.definitions import Definitions
from metier.definitions.apps import AppKind, Apps, Trust
from metier.egress import PORTS, Egress
from metier.engine import Engine
from metier.errors import NotFound
from metier.llm import ModelCatalog, Models, Provider, providers_from
from metier.records import DataModel, ObjectKind, ObjectType, Records, RuleIndexes
from metier.redaction import Redactor
from metier.registry import Registry, shelf
from metier.runs import Budgets, Forgetting, Inbox, Ledger, RunLog, Runs, UsageReports
from metier.runs.requests import Requests
from metier.settings import Settings
from metier.store import Database
from metier.tools import Dispatcher, Toolset
from metier.upkeep import Retention, Schedules, house_schedules, kept_things


@dataclass(frozen=True)
class Shelf:
    """What was found on the shelf and in installed packages.

    Attributes:
        objects: Object types a new workspace begins with.
    """

    agents: Registry[Agent]
    toolsets: Mapping[str, Toolset]
    objects: Sequence[ObjectType]
    default_agent: str
    load_sample: Any  # the sample workspace's loader: (records, access, actor, clock) -> counts


@dataclass(frozen=True)
class Metier:
    """Every room of one running house."""

    version: ClassVar[str] = metadata.version("metier")

    settings: Settings
    clock: Clock
    db: Database
    egress: Egress
    catalog: ModelCatalog
    models: Models
    access: Access
    secrets: Secrets
    hosts: AllowedHosts
    engine: Engine
    runs: Runs
    budgets: Budgets
    usage: UsageReports
    audit: Audit
    requests: Requests
    inbox: Inbox
    records: Records
    rule_indexes: RuleIndexes
    definitions: Definitions
    data_model: DataModel
    schedules: Schedules
    retention: Retention
    apps: Apps
    trust: Trust
    agents: Agents
    chat: Chat
    shelf: Shelf

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: Settings,
        *,
        clock: Clock | None = None,
        providers: Sequence[Provider] = (),
        agents: Sequence[Agent] = (),
        toolsets: Sequence[Toolset] = (),
        takes_over: bool = True,
    ) -> "AsyncGenerator[Metier, None]":
        """Open a house and close it at the end.

        Args:
            takes_over: Whether to go on with work that other processes left; a single command does not.
            providers, agents, toolsets: Goods besides those on the shelf; a test's scripted model, a program's agents.

        Raises:
            UnsafeHome: The home folder cannot hold the embedded database safely.
            Unavailable: The database does not answer.
        """
        clock = clock or SystemClock()
        redactor = Redactor(settings.hidden())
        async with AsyncExitStack() as closing:
            db = await Database.open(settings)
            closing.push_async_callback(db.aclose)
            egress = Egress(settings.egress_allow, ports=(*PORTS, *settings.egress_ports))
            closing.push_async_callback(egress.aclose)
            all_providers = [*providers, *providers_from(settings, egress, clock)]
            for provider in all_providers:
                closing.push_async_callback(provider.aclose)
            goods = found_on_shelf(agents, toolsets)
            metier = cls._furnish(settings, clock, db, egress, redactor, all_providers, goods, takes_over=takes_over)
            closing.push_async_callback(metier.engine.aclose)
            closing.push_async_callback(metier.runs.aclose)
            closing.push_async_callback(metier.models.aclose)
            closing.push_async_callback(metier.chat.aclose)
            closing.push_async_callback(metier.rule_indexes.aclose)
            await metier.runs.start()
            await metier.engine.start()
            yield metier

    @classmethod
    def _furnish(
        cls,
        settings: Settings,
        clock: Clock,
        db: Database,
        egress: Egress,
        redactor: Redactor,
        providers: Sequence[Provider],
        goods: Shelf,
        *,
        takes_over: bool,
    ) -> "Metier":
        catalog = ModelCatalog(
            providers, fast=settings.default_ai_speed_model_id, smart=settings.default_ai_performance_model_id
        )
        models = Models(catalog, clock)
        records = Records(db, clock)
        agent_kind = AgentKind(clock, goods.agents, goods.toolsets, catalog)
        definitions = Definitions(db, clock, [ObjectKind(), RoleKind(clock, records), agent_kind, AppKind()])
        definitions.on_change(records.forget)
        access = Access(db, clock, definitions=definitions)
        known_agents = Agents(db, access, goods.agents)
        secrets = Secrets(db, clock, keyring_of(settings), redactor)
        hosts = AllowedHosts(db, clock)
        engine = Engine(db, clock, heartbeat_s=settings.heartbeat_s, silent_s=settings.silent_s, takes_over=takes_over)
        runs = Runs(db, clock, engine)
        audit = Audit(db)
        engine.hold(audit)
        rule_indexes = records.rule_indexes(partial(roles_of, db), builds=takes_over)
        engine.hold(rule_indexes)
        requests = Requests(db, clock, access.refresh)
        engine.hold(requests)
        retention = Retention(db, clock, kept_things(access, records, Forgetting(db)))
        for schedule in house_schedules(db, clock, retention=retention, access=access, runs=runs, jobs=engine.jobs):
            engine.schedule(schedule)
        chat = Chat(
            Threads(db, clock),
            repeats=Repeats(db, clock),
            runs=runs,
            requests=requests,
            records=records,
            clock=clock,
            agents=known_agents,
            catalog=catalog,
            parts=Parts(
                Dispatcher(redactor, requests.of_call),
                goods.toolsets,
                known_agents.refresh,
                Care(access, catalog, hosts.allows).of,
            ),
            ask=partial(_metered, models),
            recall=access.recall,
            outside=Outside(egress, secrets),
            default_agent=goods.default_agent,
        )
        return cls(
            settings=settings,
            clock=clock,
            db=db,
            egress=egress,
            catalog=catalog,
            models=models,
            access=access,
            secrets=secrets,
            hosts=hosts,
            engine=engine,
            runs=runs,
            budgets=Budgets(db, clock, agents=known_agents.names),
            usage=UsageReports(db, clock),
            audit=audit,
            requests=requests,
            inbox=Inbox(db, clock, requests),
            records=records,
            rule_indexes=rule_indexes,
            definitions=definitions,
            data_model=DataModel(db, definitions),
            schedules=Schedules(db, clock, engine),
            retention=retention,
            apps=Apps(db, definitions),
            trust=Trust(settings.home, settings.trusted_apps),
            agents=known_agents,
            chat=chat,
            shelf=goods,
        )

    async def alive(self) -> bool:
        """Say whether the database answers."""
        return await self.db.alive()

    async def found_workspace(self, name: str) -> Actor:
        """Make a workspace with the shelf's object types and a first admin.

        Returns:
            The operator, acting as that admin.
        """
        workspace_id = await self.access.create_workspace(name)
        await self.access.create_member(workspace_id, name="Admin", role="admin")
        actor = await self.access.operator()
        await self.data_model.publish_all(actor, self.shelf.objects, note="Comes with Metier.")
        return actor

    async def load_sample(self, actor: Actor) -> dict[str, int]:
        """Put the sample data into a workspace that has none; gives the number of records per object."""
        return await self.shelf.load_sample(self.records, self.access, actor, self.clock)


def found_on_shelf(agents: Sequence[Agent] = (), toolsets: Sequence[Toolset] = ()) -> Shelf:
    """Look through the shelf and installed packages, and add the given goods.

    Raises:
        DuplicateName: Two goods have one name.
        NotFound: An agent names a toolset that there is not.
    """
    modules = shelf("app")
    registry: Registry[Agent] = Registry("agent")
    for agent in [*agents, *(a for module in modules for a in getattr(module, "AGENTS", ()))]:
        registry.add(agent.name, agent)
    groups: Registry[Toolset] = Registry("toolset")
    for group in [*toolsets, *(group for module in shelf("tools") for group in module.toolsets())]:
        groups.add(group.name, group)
    for name in {name for agent in registry for name in agent.toolsets}:
        groups.get(name)
    return Shelf(
        agents=registry,
        toolsets={group.name: group for group in groups},
        objects=[kind for module in modules for kind in getattr(module, "OBJECTS", ())],
        default_agent=_one(modules, "DEFAULT_AGENT"),
        load_sample=_one(modules, "load_sample"),
    )


def _one(modules: Sequence[Any], name: str) -> Any:
    for module in modules:
        if hasattr(module, name):
            return getattr(module, name)
    raise NotFound("shelf item", name)


def _metered(models: Models, log: RunLog) -> Ask:
    return partial(models.ask, ledger=Ledger(log))
