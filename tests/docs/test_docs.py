import itertools
import re
import tomllib
from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_schema, parse, validate

from ventros.reference.__main__ import pages
from ventros.reference.tables import variables

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
VARIABLE = re.compile(r"\b(?:VENTROS_[A-Z_]+|DATABASE_URL|REDIS_URL|AMQP_URL)\b")
CODE_PATH = re.compile(
    r"`((?:aisim|bench|domain|integrations|jobs|migrations|persistence|resolvers|schema|services|tests|ventros|wasim)"
    r"/[\w./*-]*)`"
)

# Directories of somebody's machine, and addresses of package indexes.
OF_ONE_MACHINE = re.compile(r"(?:^|[\s`(\"'=])/(?:home|root|tmp|work|Users|mnt|srv)\b|--(?:extra-)?index-url")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(path: Path) -> str:
    return FENCE.sub("", path.read_text())


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(prose(page)):
        if "://" in link or link.startswith("mailto:"):
            continue
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page

        assert path.exists(), f"{named(page)} links to {link}"
        if anchor:
            assert anchor in anchors(path), f"{named(page)} links to {link}"


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema((ROOT / "schema" / "schema.graphql").read_text())


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_examples_of_graphql_fit_the_schema(page: Path, schema: GraphQLSchema) -> None:
    for language, text in FENCE.findall(page.read_text()):
        if language == "graphql":
            assert validate(schema, parse(text)) == [], text
        for document in re.findall(r'"query": "([^"]*)"', text):
            assert validate(schema, parse(document)) == [], document


def test_there_are_examples_of_every_kind_of_operation() -> None:
    examples = "".join(
        text for language, text in FENCE.findall((ROOT / "README.md").read_text()) if language == "graphql"
    )

    assert re.findall(r"^(\{|subscription|mutation)", examples, re.MULTILINE)[:3] == [
        "{",
        "subscription",
        "mutation",
    ]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_variables_are_settings(page: Path) -> None:
    found = set(VARIABLE.findall(page.read_text()))

    assert found <= set(variables())


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_paths_of_code_exist(page: Path) -> None:
    for path in CODE_PATH.findall(page.read_text()):
        assert list(ROOT.glob(path)), f"{named(page)} names {path}"


@pytest.mark.parametrize("path", pages())
def test_generated_pages_are_current(path: str) -> None:
    assert (ROOT / path).read_text() == pages()[path], "write them: python -m ventros.reference --write"


def test_every_dependency_has_a_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {
        re.split(r"[\[><=; ]", one)[0]
        for one in (
            *project["project"]["dependencies"],
            *itertools.chain(*project["project"].get("optional-dependencies", {}).values()),
            *project["dependency-groups"]["dev"],
        )
    }
    page = (ROOT / "docs" / "adr" / "0012-dependencies.md").read_text()
    rows = re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)
    (development,) = re.findall(r"^For development:.*?\n\n", page, re.DOTALL | re.MULTILINE)
    explained = set(re.findall(r"`([a-z0-9-]+)`", "".join([*rows, development])))

    assert explained == wanted


@pytest.mark.parametrize("page", [*(ROOT / "docs" / "adr").glob("0*.md")], ids=named)
def test_a_decision_has_context_decision_and_consequence(page: Path) -> None:
    text = page.read_text()

    assert text.startswith(f"# {int(page.name[:4])}. ")
    assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == ["Context", "Decision", "Consequence"]
    assert f"({page.name})" in (page.parent / "README.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_pages_are_reached_from_the_index(page: Path) -> None:
    entrances = [ROOT / "README.md", ROOT / "docs" / "index.md", ROOT / "docs" / "adr" / "README.md"]
    reached = {
        (entrance.parent / link.partition("#")[0]).resolve()
        for entrance in entrances
        for link in LINK.findall(prose(entrance))
        if "://" not in link
    }

    assert page in reached | {entrances[0]}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_pages_tell_nothing_of_one_machine(page: Path) -> None:
    assert OF_ONE_MACHINE.findall(page.read_text()) == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_lines_are_not_endless(page: Path) -> None:
    long = [line for line in prose(page).splitlines() if len(line) > 130 and not line.startswith("|")]

    assert long == []
