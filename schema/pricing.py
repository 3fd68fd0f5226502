"""What an operation would cost, measured in one walk before anything is executed.

Each fragment is walked once, however often it is spread, so that the time is linear in the document
although the numbers describe the document with every fragment written out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeGuard

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
)

PAGE, LARGEST_PAGE = 25, 100
_OBJECT, _CONNECTION, _MUTATION, _SEND, _SUBSCRIPTION = 1, 2, 10, 20, 10
_SEARCH_FACTOR = 3
_SENDS = frozenset({"messageSend"})
_INTROSPECTION = frozenset({"__schema", "__type"})

Composite = GraphQLObjectType | GraphQLInterfaceType | None
"""The type whose fields are selected; None for unions, whose fields lie in fragments, and for unknown types."""


@dataclass(slots=True)
class Bill:
    """The measures of a selection with its fragments written out. Depths count fields from the selection down."""

    price: int = 0
    depth: int = 0
    introspection_depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    mutations: int = 0

    def add(self, other: "Bill") -> None:
        """Put another selection beside this one."""
        self.price += other.price
        self.depth = max(self.depth, other.depth)
        self.introspection_depth = max(self.introspection_depth, other.introspection_depth)
        self.fields += other.fields
        self.aliases += other.aliases
        self.directives += other.directives
        self.mutations += other.mutations


@dataclass
class Pricer:
    """Measures one operation. Tolerates what does not fit the schema, because validation comes later."""

    schema: GraphQLSchema
    variables: Mapping[str, object]
    fragments: Mapping[str, FragmentDefinitionNode]
    operation: OperationDefinitionNode
    _measured: dict[str, Bill] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        *,
        variables: Mapping[str, object],
    ) -> "Pricer":
        """Return a pricer for an operation of a document."""
        fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        defaults = {
            definition.variable.name.value: _constant(definition.default_value)
            for definition in operation.variable_definitions or ()
            if definition.default_value is not None
        }
        return cls(schema, {**defaults, **variables}, fragments, operation)

    def bill(self) -> Bill:
        """Return the measures of the operation. Raises RecursionError for selections nested beyond reason."""
        root = self.schema.get_root_type(self.operation.operation)
        bill = self._selection(self.operation.selection_set, root)
        bill.directives += len(self.operation.directives or ())
        if self.operation.operation is OperationType.SUBSCRIPTION:
            bill.price += _SUBSCRIPTION
        return bill

    def _selection(self, selection_set: SelectionSetNode, parent: Composite) -> Bill:
        bill = Bill()
        for selection in selection_set.selections:
            bill.directives += len(selection.directives or ())
            if isinstance(selection, FieldNode):
                bill.add(self._field(selection, parent))
            elif isinstance(selection, FragmentSpreadNode):
                bill.add(self._fragment(selection.name.value))
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                inner = parent if condition is None else self._type(condition.name.value)
                bill.add(self._selection(selection.selection_set, inner))
        return bill

    def _fragment(self, name: str) -> Bill:
        if name not in self._measured:
            # A fragment that spreads itself finds this; validation refuses it.
            self._measured[name] = Bill()
            if definition := self.fragments.get(name):
                on = self._type(definition.type_condition.name.value)
                self._measured[name] = self._selection(definition.selection_set, on)
        return self._measured[name]

    def _field(self, node: FieldNode, parent: Composite) -> Bill:
        name = node.name.value
        bill = Bill(fields=1, aliases=1 if node.alias else 0)
        declared = parent.fields.get(name) if parent is not None else None
        if node.selection_set is not None:
            type_ = get_named_type(declared.type) if declared is not None else None
            is_connection = _is_connection(type_)
            children = self._selection(node.selection_set, type_ if _has_fields(type_) else None)
            if name in _INTROSPECTION:
                # What describes the schema costs no query; it has a limit of depth of its own.
                children = Bill(
                    introspection_depth=children.depth,
                    fields=children.fields,
                    aliases=children.aliases,
                    directives=children.directives,
                )
            elif is_connection:
                children.price = _CONNECTION + self._page(node) * children.price
                if self._is_given(node, "search"):
                    children.price *= _SEARCH_FACTOR
            elif not _is_edge(type_):
                children.price = (_OBJECT + children.price) * self._ids(node)
            bill.add(children)
        bill.depth += 1
        if parent is not None and parent is self.schema.mutation_type:
            bill.mutations += 1
            bill.price += _SEND if name in _SENDS else _MUTATION
        return bill

    def _page(self, node: FieldNode) -> int:
        asked = [
            value for value in (self._argument(node, "first"), self._argument(node, "last")) if _is_int(value)
        ]
        return min(max(0, *asked), LARGEST_PAGE) if asked else PAGE

    def _ids(self, node: FieldNode) -> int:
        ids = self._argument(node, "ids")
        return max(1, len(ids)) if isinstance(ids, list | tuple) else 1

    def _is_given(self, node: FieldNode, name: str) -> bool:
        return bool(self._argument(node, name))

    def _argument(self, node: FieldNode, name: str) -> object:
        for argument in node.arguments or ():
            if argument.name.value == name:
                if isinstance(argument.value, VariableNode):
                    return self.variables.get(argument.value.name.value)
                return _constant(argument.value)
        return None

    def _type(self, name: str) -> Composite:
        found = self.schema.type_map.get(name)
        return found if _has_fields(found) else None


def _constant(node: ValueNode) -> object:
    """Return what matters here of a literal: a number, a list of anything, or that something is there."""
    if isinstance(node, IntValueNode):
        # Only its size matters, and converting a number of a million digits takes long.
        return int(node.value[:12])
    if isinstance(node, ListValueNode):
        return list(node.values)
    return getattr(node, "value", None)


def _is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _has_fields(type_: object) -> TypeGuard[GraphQLObjectType | GraphQLInterfaceType]:
    return isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)


def _fields(type_: object) -> Mapping[str, GraphQLField]:
    return type_.fields if _has_fields(type_) else {}


def _is_connection(type_: object) -> bool:
    fields = _fields(type_)
    return "edges" in fields and "pageInfo" in fields


def _is_edge(type_: object) -> bool:
    """Whether a type only joins a row to its place, or a page to its limits; the row itself is priced."""
    fields = _fields(type_)
    return fields.keys() == {"cursor", "node"} or "hasNextPage" in fields
