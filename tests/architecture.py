"""The doors between the rooms, and what the rooms promise, read from the syntax tree of every module.

The rules are those of the architecture: who may import whom, no circles, consensus-critical modules pure, settings read
in one place, nothing done at import. Imports inside functions and under `TYPE_CHECKING` count like all others. Each
rule says in its message why it is there and what to do.
"""

import ast
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import networkx as nx

ROOT = Path(__file__).parent.parent

FLOOR = {"eventchain.core", "eventchain.store"}
SERVICES = {"anchor", "dispatcher", "eventchain", "workflow_engine"}
DOORS: dict[str, set[str]] = {
    "eventchain.core": set(),
    "eventchain.store": {"eventchain.core"},
    "scenarios": set(),
    "anchor": FLOOR,
    "dispatcher": FLOOR,
    "eventchain": FLOOR,
    "workflow_engine": FLOOR | {"scenarios"},
    "playground": {"scenarios"},
    "livecontract": FLOOR | SERVICES | {"scenarios", "playground"},
    "benchmarks": FLOOR | SERVICES | {"scenarios", "livecontract"},
}
"""Room → rooms it may import, besides itself. A module belongs to the longest name that fits."""

PACKAGES = sorted({room.partition(".")[0] for room in DOORS})

FLOOR_LIBRARIES = {"base58", "cryptography", "http_sf", "nacl", "rfc8785"}
"""What `eventchain.core` may use besides the standard library."""

CRITICAL = (
    "eventchain.core",
    "eventchain.event",
    "eventchain.chain",
    "eventchain.citation",
    "eventchain.conflict",
    "workflow_engine.offer",
    "workflow_engine.operators",
    "workflow_engine.proofs",
    "workflow_engine.schema_proof",
    "workflow_engine.update",
    "workflow_engine.acting",
    "workflow_engine.comment",
    "workflow_engine.consent",
    "workflow_engine.deviation",
    "workflow_engine.machine",
    "workflow_engine.origin",
    "workflow_engine.documents",
    "workflow_engine.history",
    "workflow_engine.identity_action",
    "workflow_engine.kept",
    "workflow_engine.locks",
    "workflow_engine.pattern_weight",
    "workflow_engine.proposal",
    "workflow_engine.sub_processes",
    "workflow_engine.timing",
    "workflow_engine.action_kinds",
    "workflow_engine.body",
    "workflow_engine.compiling",
    "workflow_engine.durations",
    "workflow_engine.normalise",
    "workflow_engine.process",
    "workflow_engine.process_parts",
    "workflow_engine.reading",
    "workflow_engine.scenario",
    "workflow_engine.schedule",
    "workflow_engine.schema",
    "workflow_engine.schema_form",
    "workflow_engine.schema_formats",
    "workflow_engine.schema_keywords",
    "workflow_engine.state_entry",
    "anchor.account",
    "anchor.block",
    "anchor.consensus",
    "anchor.lto_block",
    "anchor.merkle",
    "anchor.payload",
    "anchor.state",
    "anchor.transaction",
    "anchor.transaction_json",
    "anchor.wire",
)
"""Consensus-critical modules and packages: here a difference makes two nodes disagree."""

IMPURE_LIBRARIES = {
    *("asyncio", "ftplib", "glob", "http", "imaplib", "logging", "multiprocessing", "os", "pathlib", "platform"),
    *("random", "secrets", "select", "selectors", "shutil", "signal", "smtplib", "socket", "sqlite3", "ssl"),
    *("subprocess", "tempfile", "time", "urllib.request", "uuid", "zoneinfo", "locale", "getpass", "importlib"),
    *("aiosmtpd", "flask", "pika", "pymongo", "requests", "rich", "structlog", "typer", "urllib3", "waitress"),
}
IMPURE_CALLS = {"open", "print", "input", "eval", "exec", "compile", "__import__", "breakpoint", "id", "hash"}
IMPURE_METHODS = {"now", "utcnow", "today"}
MODULES_WITH_EFFECTS = {"client", "ports", "routes", "service"}
CLOCK = "eventchain.core.clock"
"""Holds the type `Clock`, which pure modules may name, beside the system's clock, which only livecontract plugs in."""

CALLS_AT_IMPORT = {
    *("NewType", "TypeVar", "ParamSpec", "namedtuple", "NamedTuple", "dataclass", "field", "cast", "auto", "partial"),
    *("frozenset", "tuple", "range", "len", "int", "bytes", "min", "max", "sum", "sorted", "reversed", "zip", "map"),
    *("MappingProxyType", "Decimal", "Struct", "JSONDecoder", "JSONEncoder", "compile", "datetime", "timedelta"),
    *("fromhex", "join", "encode", "to_bytes", "split", "lower", "upper", "removesuffix", "keys", "values", "items"),
    *(
        "get_logger",
        "getLogger",
        "lru_cache",
        "kept",
        "cache",
        "wraps",
        "Path",
        "itemgetter",
        "attrgetter",
        "enumerate",
    ),
    *("Retry", "Timeout", "ip_network", "ip_address"),
    *("str", "set", "chr", "ord", "type", "getattr", "hasattr", "maketrans", "find"),
}
"""Calls that make a constant. Our own frozen dataclasses, and functions of the same module, may be called as well."""

CALLS_ALLOWED_IN: dict[str, set[str]] = {
    # Typer collects commands in decorators.
    "livecontract.cli": {"Typer", "Option", "Argument", "command", "callback", "add_typer", "register"},
    # Each makes the reader of one kind of value.
    "livecontract.settings": {"integer", "choice", "list_of", "place"},
    # The keys and ids that every measurement shares.
    "benchmarks": {"from_seed_phrase", "chain_id"},
    # The library collects the functions of its language in decorators.
    "workflow_engine.operators.functions": {"signature"},
    # Each makes the check of one kind of member of an operator's argument.
    "workflow_engine.operators": {"choice", "whole", "refused"},
    # A context of decimal arithmetic: never changed once made.
    "workflow_engine.operators.values": {"DecimalContext"},
    # Types that name bytes as what they are.
    "workflow_engine.proofs.group": {"Point", "Scalar"},
    # Makes the reader of one kind of member.
    "workflow_engine.members": {"read_flag"},
    "workflow_engine.normalise": {"read_flag"},
    # One validator class for each dialect, and the key of a value that belongs to one validation.
    "workflow_engine.schema": {"extend", "dialect"},
    "workflow_engine.schema_keywords": {"ContextVar"},
}

COLLECTIONS = ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp
MUTATORS = {"append", "add", "update", "extend", "insert", "pop", "popitem", "remove", "discard", "clear", "setdefault"}


@dataclass(frozen=True)
class Module:
    """A module of ours: dotted name (of a package, without `__init__`) and syntax tree."""

    name: str
    tree: ast.Module
    is_package: bool = False


@dataclass(frozen=True)
class Import:
    """One imported name: `target` is as written and made absolute, down to the name for `from x import y`."""

    target: str
    line: int


@cache
def our_modules() -> Mapping[str, Module]:
    modules = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if is_package else parts)
            modules[name] = Module(name, ast.parse(path.read_text(), str(path)), is_package)
    return modules


def imports_of(module: Module) -> Iterator[Import]:
    """Every import in a module, function-local and dynamic ones included."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, node)
            yield from (Import(f"{base}.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.Call) and _name_of(node.func) in ("import_module", "__import__"):
            argument = node.args[0] if node.args else None
            known = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            yield Import(str(argument.value) if known else "<computed at run time>", node.lineno)  # type: ignore[union-attr]


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    kept = parts[: len(parts) - node.level + module.is_package]
    return ".".join([*kept, *([node.module] if node.module else [])])


def _name_of(node: ast.expr) -> str:
    """The last name of `a.b.c`, of `c`, or of the decorator call `c(...)`."""
    if isinstance(node, ast.Call):
        return _name_of(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def room_of(name: str) -> str | None:
    """The room a dotted name of ours belongs to; None for a library."""
    fitting = [room for room in DOORS if name == room or name.startswith(f"{room}.")]
    return max(fitting, key=len, default=None)


def module_of(target: str, modules: Iterable[str]) -> str | None:
    """The module of ours that an import target names or takes a name from."""
    known = set(modules)
    return next((name for name in (target, target.rpartition(".")[0]) if name in known), None)


def is_within(name: str, prefixes: Iterable[str]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


# --- The rules: each yields what is wrong -----------------------------------------------------------------------------


def closed_doors(module: Module) -> Iterator[str]:
    room = room_of(module.name)
    if room is None:
        return
    for found in imports_of(module):
        other = room_of(found.target)
        if found.target.startswith("<"):
            yield f"{module.name}:{found.line} imports what it computes; name the module, so that doors can be checked"
        elif other not in (None, room, *DOORS[room]):
            yield (
                f"{module.name}:{found.line} imports {found.target}: there is no door from {room} to {other}. "
                "Declare what you need as a Protocol in your ports.py; livecontract/bootstrap.py plugs it in."
            )


def foreign_libraries(module: Module) -> Iterator[str]:
    allowed = {"eventchain.core": FLOOR_LIBRARIES, "scenarios": set[str]()}.get(room_of(module.name) or "")
    for found in imports_of(module):
        library = found.target.partition(".")[0]
        if allowed is None or library in sys.stdlib_module_names | allowed | set(PACKAGES):
            continue
        yield f"{module.name}:{found.line} imports {library}: this low in the house, use {sorted(allowed)} only"


def early_floor(module: Module) -> Iterator[str]:
    if module.name == "eventchain":
        for found in imports_of(module):
            yield f"eventchain/__init__.py imports {found.target}: all who use the floor would run it; keep it empty"


def circles(modules: Mapping[str, Module]) -> Iterator[str]:
    graph = nx.DiGraph()
    for module in modules.values():
        for found in imports_of(module):
            other = module_of(found.target, modules)
            if other not in (None, module.name):
                graph.add_edge(module.name, other)
    for group in nx.strongly_connected_components(graph):
        if len(group) > 1:
            edges = nx.find_cycle(graph.subgraph(group))
            way = " → ".join([edges[0][0], *(edge[1] for edge in edges)])
            yield f"{way}: modules import each other in a circle; move what both need into a third module"


def impurities(modules: Mapping[str, Module]) -> Iterator[str]:
    """What consensus-critical modules, and the modules of ours they import, may not touch."""
    critical = [name for name in modules if is_within(name, CRITICAL)]
    reached = {name: name for name in critical}
    waiting = list(critical)
    while waiting:
        module = modules[waiting.pop()]
        if module.name == CLOCK:
            continue
        via = "" if reached[module.name] == module.name else f" (reached from {reached[module.name]})"
        for what in _impure_parts(module):
            yield (
                f"{module.name}:{what}{via}. Two nodes must compute the same here: let clock, randomness, keys and "
                "stores come in as arguments."
            )
        for found in imports_of(module):
            other = module_of(found.target, modules)
            if other and other not in reached:
                reached[other] = reached[module.name]
                waiting.append(other)


def _impure_parts(module: Module) -> Iterator[str]:
    for found in imports_of(module):
        name = found.target
        if is_within(name, IMPURE_LIBRARIES) or name in {f"{CLOCK}.system_clock", CLOCK}:
            yield f"{found.line} imports {name}"
        elif is_within(name, ["eventchain.store"]) or (room_of(name) and set(name.split(".")) & MODULES_WITH_EFFECTS):
            yield f"{found.line} imports {name}, which has effects"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in IMPURE_CALLS:
                yield f"{node.lineno} calls {node.func.id}()"
            if isinstance(node.func, ast.Attribute) and node.func.attr in IMPURE_METHODS:
                yield f"{node.lineno} calls .{node.func.attr}()"


def environment(module: Module) -> Iterator[str]:
    if module.name == "livecontract.config":
        return
    names = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    for node in ast.walk(module.tree):
        read = isinstance(node, ast.Attribute) and node.attr in names and _name_of(node.value) == "os"
        if read or (isinstance(node, ast.ImportFrom) and node.module == "os" and names & {a.name for a in node.names}):
            yield (
                f"{module.name}:{node.lineno} reads the environment: settings are read in livecontract/config.py "  # type: ignore[attr-defined]
                "alone and come in as arguments"
            )


def system_clock(module: Module) -> Iterator[str]:
    for found in imports_of(module):
        if found.target == f"{CLOCK}.system_clock" and room_of(module.name) not in ("livecontract", "benchmarks"):
            yield f"{module.name}:{found.line} takes the system's clock: let a Clock come in as an argument"


def work_at_import(modules: Mapping[str, Module]) -> Iterator[str]:
    values = {name for module in modules.values() for name in _frozen_classes(module)}
    for module in modules.values():
        special = {
            call for place, calls in CALLS_ALLOWED_IN.items() if is_within(module.name, [place]) for call in calls
        }
        own = {node.name for node in module.tree.body if isinstance(node, ast.FunctionDef)}
        for statement in module.tree.body:
            if _is_main_guard(statement):
                continue
            if isinstance(statement, ast.For | ast.While | ast.With | ast.Try | ast.Delete | ast.AugAssign):
                yield f"{module.name}:{statement.lineno} is a statement that runs at import: put it in a function"
            for call in _calls_at_import(statement):
                if _name_of(call.func) not in CALLS_AT_IMPORT | values | special | own:
                    yield (
                        f"{module.name}:{call.lineno} calls {ast.unparse(call.func)}() at import: importing a module "
                        "does no work and keeps no state; make it in a function, or in livecontract/bootstrap.py"
                    )


def _frozen_classes(module: Module) -> Iterator[str]:
    for node in module.tree.body:
        if isinstance(node, ast.ClassDef):
            frozen = any("frozen=True" in ast.unparse(decorator) for decorator in node.decorator_list)
            if frozen or {"NamedTuple", "Enum", "IntEnum", "StrEnum"} & {_name_of(base) for base in node.bases}:
                yield node.name


def _is_main_guard(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and ast.unparse(statement.test) == "__name__ == '__main__'"


def _calls_at_import(node: ast.AST) -> Iterator[ast.Call]:
    """Calls that run when a module is imported: not those in bodies of functions and lambdas, nor in annotations."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        defaults = [default for default in (*node.args.defaults, *node.args.kw_defaults) if default]
        children: list[ast.AST] = [*node.decorator_list, *defaults]
    elif isinstance(node, ast.Lambda):
        children = []
    elif isinstance(node, ast.AnnAssign):
        children = [node.value] if node.value else []
    else:
        children = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.Call):
        yield node
    for child in children:
        yield from _calls_at_import(child)


def changing_state(module: Module) -> Iterator[str]:
    """Module-level names that functions change: state that two services in one process would share."""
    shared = {
        target.id: statement.value
        for statement in module.tree.body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        for target in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Global):
            yield f"{module.name}:{node.lineno} declares {', '.join(node.names)} global: keep state in an object"
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            own = {
                inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)
            }
            own |= {argument.arg for argument in ast.walk(node) if isinstance(argument, ast.arg)}
            for line, name, by_method in _changes(node):
                if name in shared.keys() - own and (not by_method or isinstance(shared[name], COLLECTIONS)):
                    yield f"{module.name}:{line} changes {name}, which belongs to the module: keep state in an object"


def _changes(function: ast.AST) -> Iterator[tuple[int, str, bool]]:
    for node in ast.walk(function):
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            yield node.lineno, _owner(node), False
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MUTATORS:
            yield node.lineno, _owner(node.func), True


def _owner(node: ast.expr) -> str:
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def of_each(rule: Callable[[Module], Iterator[str]]) -> Callable[[Mapping[str, Module]], Iterator[str]]:
    def apply(modules: Mapping[str, Module]) -> Iterator[str]:
        for module in modules.values():
            yield from rule(module)

    return apply


RULES = {
    "doors": of_each(closed_doors),
    "libraries of the floor": of_each(foreign_libraries),
    "nothing before the floor": of_each(early_floor),
    "no circles": circles,
    "pure where nodes must agree": impurities,
    "settings come in": of_each(environment),
    "time comes in": of_each(system_clock),
    "no work at import": work_at_import,
    "no shared state": of_each(changing_state),
}
