"""What people decide about a channel, as an update asks for it, turned into what the channel takes over."""

from dataclasses import replace
from typing import Any, TypedDict

from domain.crm.channel import DEFAULT_TAKEOVER_SECONDS, Channel, ChannelSettings
from domain.crm.enrichment import EnrichmentKind
from domain.crm.enrichment_rules import ALL_THERE_IS, EnrichmentRules
from domain.crm.grouping import DEFAULT_RULES, GroupingRules
from domain.errors import Invalid, Required
from domain.identity.agent import AgentType
from domain.identity.permission import Permission
from domain.ids import AgentId, PipelineId
from persistence.unit_of_work import UnitOfWork
from services.scope import find_agent, find_one
from services.viewer import Viewer


class GroupingChanges(TypedDict, total=False):
    """What may be set of the rules by which messages are grouped; None is the default."""

    max_messages: int | None
    max_duration_ms: int | None
    enrichment_timeout_ms: int | None
    has_group_chats: bool | None
    is_extended_by_typing: bool | None
    is_cancelled_by_reply: bool | None


class EnrichmentChanges(TypedDict, total=False):
    """What may be set of what is found out about files; None is the default."""

    kinds: list[EnrichmentKind] | None
    language: str | None


class Settings(TypedDict, total=False):
    """What may be set besides the name: absent leaves a value as it is, None clears it or stands for the default."""

    debounce_timeout_ms: int | None
    grouping: GroupingChanges | None
    enrichment: EnrichmentChanges | None
    agent_id: AgentId | None
    takeover_pause_seconds: int | None
    session_timeout_seconds: int | None
    session_warning_seconds: int | None
    allow_groups: bool | None
    pipeline_id: PipelineId | None


class Changes(Settings, total=False):
    """What an update may set."""

    name: str | None


_NEVER_EMPTY = {"name": "name", "debounce_timeout_ms": "debounceTimeoutMs", "allow_groups": "allowGroups"}
_DEFAULTS = {
    "grouping": DEFAULT_RULES,
    "enrichment": ALL_THERE_IS,
    "takeover_pause_seconds": DEFAULT_TAKEOVER_SECONDS,
}


async def settle(uow: UnitOfWork, viewer: Viewer, channel: Channel, changes: Changes) -> ChannelSettings:
    """Return the settings that changes amount to. Raises `Required`, `Invalid` or `NotFound` with the field."""
    viewer.require(Permission.CHANNELS_WRITE)
    for name, published in _NEVER_EMPTY.items():
        if name in changes and changes[name] is None:  # type: ignore[literal-required] # Keys of Changes.
            raise Required(f"{published} cannot be cleared; give a value or leave it out.", field=[published])
    settings: dict[str, Any] = {  # Any: the values of Changes.
        name: _DEFAULTS.get(name) if value is None else value for name, value in changes.items()
    }
    if (rules := changes.get("grouping")) is not None:
        settings["grouping"] = _rules(channel.grouping, rules)
    if (enrichment := changes.get("enrichment")) is not None:
        settings["enrichment"] = _enrichment(channel.enrichment, enrichment)
    if (pipeline_id := changes.get("pipeline_id")) is not None:
        await find_one(uow.pipelines, viewer, pipeline_id, field="pipelineId")
    if (agent_id := changes.get("agent_id")) is not None:
        agent = await find_agent(uow, viewer, agent_id, field="agentId")
        if agent.type is not AgentType.AI:
            raise Invalid(
                f"{agent.name!r} is of type {agent.type.value}; only an agent of type AI answers by itself.",
                field=["agentId"],
            )
        if not agent.is_active:
            raise Invalid(f"{agent.name!r} does not answer any more.", field=["agentId"])
    wanted: ChannelSettings = {**settings}  # type: ignore[typeddict-item] # Keys of Changes, checked above.
    return wanted


def _rules(rules: GroupingRules, changes: GroupingChanges) -> GroupingRules:
    wanted: dict[str, Any] = {**changes}  # Any: as above.
    return replace(
        rules,
        **{name: getattr(DEFAULT_RULES, name) if value is None else value for name, value in wanted.items()},
    )


def _enrichment(rules: EnrichmentRules, changes: EnrichmentChanges) -> EnrichmentRules:
    kinds, language = rules.kinds, rules.language
    if "kinds" in changes:
        asked = changes["kinds"]
        kinds = None if asked is None else tuple(dict.fromkeys(asked))
    if "language" in changes:
        language = changes["language"]
    return EnrichmentRules(kinds=kinds, language=language)
