"""Contacts, chats and channels keep their rules."""

from datetime import timedelta

import pytest

from domain.crm.channel import Channel, ChannelStatus
from domain.crm.chat import Chat, ChatStatus, ChatType
from domain.crm.contact import Contact, CustomField, IdentityKind, IdentitySource, NameSource
from domain.crm.inbound import SessionState
from domain.errors import Invalid, InvalidState, Required, TooLong, TooMany
from domain.identity.api_key import ApiKey, hash_secret
from domain.identity.permission import Permission
from domain.ids import ChannelId, ContactId, ProjectId, TenantId, new_id
from domain.values import Sealed, WhatsAppAddress
from tests.factories import NOON

TENANT, PROJECT = TenantId(new_id()), ProjectId(new_id())
SOON = NOON + timedelta(seconds=1)
NOTHING = {
    "email": None,
    "external_id": None,
    "language": None,
    "timezone": None,
    "tags": (),
    "custom_fields": (),
}


def a_contact(name: str = "Maria", source: NameSource = NameSource.PUSH_NAME) -> Contact:
    return Contact.create(tenant_id=TENANT, project_id=PROJECT, name=name, source=source, at=NOON)


def a_chat(type_: ChatType = ChatType.INDIVIDUAL) -> Chat:
    return Chat.open(
        tenant_id=TENANT,
        project_id=PROJECT,
        channel_id=ChannelId(new_id()),
        type=type_,
        external_id="5511999990001@c.us",
        contact_id=ContactId(new_id()) if type_ is ChatType.INDIVIDUAL else None,
        at=NOON,
    )


def a_channel() -> Channel:
    return Channel.create(
        tenant_id=TENANT,
        project_id=PROJECT,
        name="Loja",
        waha_url="https://waha.example.org/",
        waha_session="loja",
        waha_api_key=None,
        webhook_token="token",
        webhook_hmac_key=Sealed(b""),
        at=NOON,
    )


def test_a_weaker_source_never_replaces_a_name() -> None:
    contact = a_contact("Maria Silva", NameSource.MANUAL)

    contact.rename("mari", source=NameSource.PUSH_NAME, said_at=SOON, at=SOON)

    assert contact.name == "Maria Silva"


def test_an_older_push_name_never_replaces_a_newer_one() -> None:
    contact = a_contact("Nova")

    contact.rename("Velha", source=NameSource.PUSH_NAME, said_at=NOON - timedelta(days=1), at=SOON)

    assert contact.name == "Nova"


def test_only_real_changes_are_recorded() -> None:
    contact = a_contact()
    contact.take_events()

    contact.set_details(at=SOON, **(NOTHING | {"tags": (" VIP ", "vip"), "email": "M@x.org"}))
    contact.set_details(at=SOON, **(NOTHING | {"tags": ("vip",), "email": "m@x.org"}))

    (event,) = contact.take_events()
    assert (event.name, event.changes) == ("contact.updated", ("email", "tags"))
    assert contact.tags == ("vip",)


@pytest.mark.parametrize(
    ("details", "error"),
    [
        ({"email": "x"}, Invalid),
        ({"language": "português"}, Invalid),
        ({"timezone": "x" * 65}, TooLong),
        ({"tags": ("",)}, Required),
        ({"tags": ("x" * 51,)}, TooLong),
        ({"tags": tuple(map(str, range(101)))}, TooMany),
        ({"custom_fields": (CustomField(key="", value="x"),)}, Required),
        ({"custom_fields": (CustomField(key="k", value="x" * 4097),)}, TooLong),
    ],
)
def test_details_that_break_a_rule_change_nothing(details: dict[str, object], error: type[Exception]) -> None:
    contact = a_contact()

    with pytest.raises(error):
        contact.set_details(at=SOON, **(NOTHING | details))

    assert (contact.email, contact.tags, contact.updated_at) == (None, (), NOON)


def test_an_identity_is_a_phone_a_lid_or_a_jid() -> None:
    contact = a_contact()
    kinds = {
        text: contact.identify(address, source=IdentitySource.MESSAGE, at=SOON)
        for text in ("5511999990001@c.us", "2000@lid", "12345@c.us")
        if (address := WhatsAppAddress.parse(text))
    }

    assert {text: (one.kind, one.value) for text, one in kinds.items()} == {
        "5511999990001@c.us": (IdentityKind.PHONE, "+5511999990001"),
        "2000@lid": (IdentityKind.LID, "2000@lid"),
        "12345@c.us": (IdentityKind.JID, "12345@c.us"),
    }
    assert contact.phone == "+5511999990001"


def test_a_merged_contact_keeps_the_best_of_both() -> None:
    keeper, other = a_contact("mari"), a_contact("Maria Silva", NameSource.MANUAL)
    other.set_details(at=NOON, **(NOTHING | {"email": "m@x.org", "tags": ("vip",)}))
    other.interact(NOON - timedelta(days=3), at=NOON)
    keeper.interact(NOON, at=NOON)

    keeper.absorb(other, at=SOON)

    assert (keeper.name, keeper.email, keeper.tags) == ("Maria Silva", "m@x.org", ("vip",))
    assert (keeper.first_interaction_at, keeper.last_interaction_at) == (NOON - timedelta(days=3), NOON)
    assert (other.merged_into_id, other.deleted_at) == (keeper.id, SOON)
    with pytest.raises(InvalidState):
        keeper.absorb(other, at=SOON)


def test_a_deleted_contact_comes_back_when_the_person_writes() -> None:
    contact = a_contact()
    contact.delete(at=SOON)

    with pytest.raises(InvalidState):
        contact.delete(at=SOON)
    contact.restore(at=SOON)

    assert contact.deleted_at is None


@pytest.mark.parametrize(
    ("state", "verb", "result"),
    [
        (ChatStatus.ACTIVE, "archive", ChatStatus.ARCHIVED),
        (ChatStatus.ARCHIVED, "archive", ChatStatus.ARCHIVED),
        (ChatStatus.CLOSED, "archive", None),
        (ChatStatus.ARCHIVED, "unarchive", ChatStatus.ACTIVE),
        (ChatStatus.ACTIVE, "unarchive", ChatStatus.ACTIVE),
        (ChatStatus.CLOSED, "unarchive", None),
        (ChatStatus.ACTIVE, "close", ChatStatus.CLOSED),
        (ChatStatus.ARCHIVED, "close", ChatStatus.CLOSED),
        (ChatStatus.CLOSED, "close", ChatStatus.CLOSED),
        (ChatStatus.CLOSED, "reopen", ChatStatus.ACTIVE),
        (ChatStatus.ACTIVE, "reopen", None),
        (ChatStatus.ARCHIVED, "reopen", None),
        (ChatStatus.ARCHIVED, "wake", ChatStatus.ACTIVE),
        (ChatStatus.CLOSED, "wake", ChatStatus.ACTIVE),
    ],
)
def test_a_chat_changes_its_state_by_the_table(
    state: ChatStatus, verb: str, result: ChatStatus | None
) -> None:
    chat = a_chat()
    chat.status = state

    if result is None:
        with pytest.raises(InvalidState):
            getattr(chat, verb)(at=SOON)
        assert chat.status is state
    else:
        getattr(chat, verb)(at=SOON)
        assert chat.status is result


def test_only_individual_chats_have_a_contact_and_only_others_a_subject() -> None:
    group, individual = a_chat(ChatType.GROUP), a_chat()

    group.entitle(" Feira ", at=SOON)
    individual.entitle("Feira", at=SOON)

    assert (group.subject, individual.subject) == ("Feira", None)
    with pytest.raises(InvalidState):
        Chat.open(
            tenant_id=TENANT,
            project_id=PROJECT,
            channel_id=ChannelId(new_id()),
            type=ChatType.GROUP,
            external_id="1@g.us",
            contact_id=ContactId(new_id()),
            at=NOON,
        )


def test_a_late_message_never_moves_a_chat_back() -> None:
    chat = a_chat()

    chat.file(SOON, at=SOON)
    chat.file(NOON, at=SOON)

    assert chat.last_message_at == SOON


def test_a_channel_reports_only_what_is_newer() -> None:
    channel = a_channel()

    channel.report(SessionState.WORKING, changed_at=SOON, at=SOON)
    channel.report(SessionState.STARTING, changed_at=NOON, at=SOON)

    assert channel.status is ChannelStatus.ACTIVE
    assert [event.name for event in channel.take_events()] == [
        "channel.created",
        "channel.status_changed",
        "channel.activated",
    ]


@pytest.mark.parametrize(
    ("milliseconds", "is_valid"), [(0, True), (300_000, True), (-1, False), (300_001, False)]
)
def test_a_debounce_window_has_limits(milliseconds: int, is_valid: bool) -> None:
    channel = a_channel()

    def configure() -> None:
        channel.configure(
            at=SOON,
            debounce_timeout_ms=milliseconds,
        )

    if is_valid:
        configure()
        assert channel.debounce_timeout_ms == milliseconds
    else:
        with pytest.raises(Invalid, match="must be between 0 and 300000"):
            configure()


def test_an_api_key_opens_until_it_expires_or_is_revoked() -> None:
    key, secret = ApiKey.issue(
        tenant_id=TENANT,
        project_id=PROJECT,
        agent_id=None,
        name="CRM",
        scopes=[Permission.CHATS_READ],
        expires_at=SOON,
        at=NOON,
    )

    assert secret.startswith("vk_")
    assert secret.startswith(key.hint)
    assert key.secret_hash == hash_secret(secret)
    assert (key.is_usable(NOON), key.is_usable(SOON)) == (True, False)
    key.revoke(at=NOON)
    assert not key.is_usable(NOON)
    with pytest.raises(Required):
        ApiKey.issue(
            tenant_id=TENANT,
            project_id=PROJECT,
            agent_id=None,
            name="x",
            scopes=[],
            expires_at=None,
            at=NOON,
        )
