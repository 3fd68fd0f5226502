"""What `./run` says in the terminal."""

from collections.abc import Mapping
from contextlib import suppress

from rich.console import Console
from rich.text import Text

from ventros.development.directory import DataDirectory
from ventros.development.program import Fall, describe_end

_QUERY = (
    "{ chats(first: 5) { nodes { subject contact { name phone } "
    "messages(last: 3) { nodes { direction text } } } } }"
)
_SUBSCRIPTION = "subscription { messageReceived { message { text sentAt contact { name } } } }"


class Screen:
    """The terminal, which may be closed at any time without harm."""

    def __init__(self) -> None:
        self._out = _Terminal(highlight=False, soft_wrap=True)
        self._errors = _Terminal(stderr=True, highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Tell what is being done."""
        with suppress(OSError):
            self._out.print(text, markup=False)

    def problem(self, text: str) -> None:
        """Tell what is wrong."""
        with suppress(OSError):
            self._errors.print(Text(text, style="red"))

    def fall(self, fall: Fall) -> None:
        """Tell that a program ended by itself."""
        again = f"; it is started again in {fall.pause:g} s"
        self.problem(describe_end(f"The {fall.program}", fall.exit_code, fall.log, consequence=again))

    def welcome(
        self, demo: Mapping[str, str], *, provider: str, directory: DataDirectory, seconds: float
    ) -> None:
        """Tell where everything is and what to try first; `provider` is a sentence about the models' place."""
        facts = {
            "GraphQL": f"{demo['graphqlUrl']} (GraphiQL in a browser)",
            "API key": demo["apiKey"],
            "Header": f"Authorization: Bearer {demo['apiKey']}",
            "WhatsApp simulator": demo["simulatorUrl"],
            "AI provider": provider,
            "Logs": str(directory.logs),
            "All of this as JSON": str(directory.demo_file),
        }
        text = Text.assemble("\n", ("Ventros is ready", "bold green"), f" after {seconds:.1f} s.\n\n")
        # No table: it would fold keys that are longer than the terminal is wide, and they could not be copied.
        for name, value in facts.items():
            text.append(f"  {name:<21}", style="bold").append(f"{value}\n")
        text.append("\nTo paste into GraphiQL, a query and a subscription:\n\n")
        text.append(f"  {_QUERY}\n  {_SUBSCRIPTION}\n\n", style="cyan")
        text.append("Stop everything with Ctrl-C.")
        with suppress(OSError):
            self._out.print(text)


class _Terminal(Console):
    def on_broken_pipe(self) -> None:
        # Without this, Rich ends the program: the reader of `./run | head` would stop the servers.
        self.quiet = True
