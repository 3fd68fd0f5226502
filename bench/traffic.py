"""A shop's day as webhooks: many people write at once, are answered, and their messages are read and edited."""

import itertools
import random
from dataclasses import dataclass, field

from tests.waha import Person, Script

_GROUPS = tuple(f"1203630000000001{number:02}@g.us" for number in range(5))
_SHARE_IN_GROUPS, _SHARE_OURS, _SHARE_REACTED, _SHARE_EDITED, _SHARE_REVOKED = 0.05, 0.4, 0.05, 0.03, 0.01


@dataclass(kw_only=True)
class Traffic:
    """An endless conversation of `people` with one shop, the same for the same `seed`.

    Our own messages come with their acknowledgements (sent, delivered, read); a few messages are reacted to,
    edited or revoked; some are in groups.
    """

    people: int
    seed: int = 7
    script: Script = field(default_factory=Script)
    messages: int = 0

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self._crowd = [
            Person(phone=f"55119{number:08}", lid=f"3{number:014}", name=f"Pessoa {number}")
            for number in range(self.people)
        ]
        self._ids = itertools.count(1)

    def events(self, least: int) -> list[bytes]:
        """Return the webhooks of the next messages, at least so many."""
        events: list[bytes] = []
        while len(events) < least:
            events += self._message()
        return events

    def _message(self) -> list[bytes]:
        dice, script = self._dice, self.script
        number = next(self._ids)
        self.messages += 1
        person, wa_id, at = dice.choice(self._crowd), f"B{number:010}", number
        text = f"mensagem {number} " + "com algumas palavras a mais " * dice.randrange(1, 5)
        if dice.random() < _SHARE_IN_GROUPS:
            return [
                script.message(wa_id, text=text, by=person, at=at, group=dice.choice(_GROUPS), tell_both=True)
            ]
        ours = dice.random() < _SHARE_OURS
        address = dice.choice(("phone", "lid"))
        events = [
            script.message(wa_id, text=text, by=person, at=at, address=address, tell_both=True, from_me=ours)
        ]
        if ours:
            events += [script.ack(wa_id, level, to=person, at=at + level) for level in (1, 2, 3)]
        if dice.random() < _SHARE_REACTED:
            events.append(script.reaction(wa_id, "👍", by=person, at=at + 4, to_ours=ours))
        if dice.random() < _SHARE_EDITED:
            events.append(script.edit(wa_id, f"{text} (editada)", by=person, at=at + 5, from_me=ours))
        if dice.random() < _SHARE_REVOKED:
            events.append(script.revoke(wa_id, by=person, at=at + 6, from_me=ours))
        return events
