"""What a channel has found out about the files that customers send."""

import re
from dataclasses import dataclass

from domain.crm.enrichment import EnrichmentKind
from domain.errors import Invalid

_LANGUAGE = re.compile(r"[a-z]{2}")


@dataclass(frozen=True, kw_only=True, slots=True)
class EnrichmentRules:
    """What a channel sets.

    `kinds` None is all that the installation has providers for; none at all turns it off. `language` (ISO 639-1,
    such as `pt`) is what customers mostly speak; None lets providers find out.
    """

    kinds: tuple[EnrichmentKind, ...] | None = None
    language: str | None = None

    def wants(self, kind: EnrichmentKind) -> bool:
        """Whether something is to be found out, if it can be."""
        return self.kinds is None or kind in self.kinds


ALL_THERE_IS = EnrichmentRules()


def checked_enrichment(rules: EnrichmentRules) -> EnrichmentRules:
    """Return the rules if the language is one, else raise `Invalid` that names the field."""
    if rules.language is not None and not _LANGUAGE.fullmatch(rules.language):
        raise Invalid(
            f"enrichment.language is {rules.language[:16]!r}; it must be two letters of ISO 639-1, such as pt.",
            field=["enrichment", "language"],
        )
    return rules
