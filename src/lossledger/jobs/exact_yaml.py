"""YAML that a person wrote as settings: small, plain and exact. Decimals keep their text: no binary float reads them.

Whatever the file is or holds, the reading ends: a pipe, a device, a file of any size, aliases that unfold to
billions of values and nesting without end are refused (inputs.md).
"""

import hashlib
from typing import Any

import yaml

from lossledger.engine.errors import ConfigError
from lossledger.jobs.load.hashed_streams import Refused, open_landed, open_regular
from lossledger.store.places import Place, relative

_MAX_BYTES = 1 << 20
_MAX_DIGITS = 100  # of a whole number
# The last ones are PyYAML's for a value that is not of the tag in front of it, like `!!bool maybe`.
_NO_YAML = (yaml.YAMLError, ValueError, OverflowError, LookupError, AttributeError, TypeError)


class _ExactLoader(yaml.SafeLoader):
    """SafeLoader that leaves decimals as text and refuses what a file of settings has no use for."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            _refuse("an alias (*name): write the value out", self.peek_event())
        return super().compose_node(parent, index)

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Nothing is merged: with aliases refused, << has no use."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            seen = set()
            for key_node, _ in node.value:
                key = self.construct_object(key_node)
                if key in seen:
                    _refuse(f"the key {key!r} stands twice", key_node)
                seen.add(key)
        return mapping


def _refuse(what: str, where: Any) -> None:
    raise yaml.constructor.ConstructorError(None, None, what, where.start_mark)


def _as_text(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
    text = str(loader.construct_scalar(node))
    try:
        text.encode()
    except UnicodeEncodeError:
        _refuse("half a surrogate pair", node)
    return text


def _as_integer(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    if len(loader.construct_scalar(node)) > _MAX_DIGITS:
        _refuse(f"a number of more than {_MAX_DIGITS} digits", node)
    return int(loader.construct_yaml_int(node))


_ExactLoader.add_constructor("tag:yaml.org,2002:float", _as_text)
_ExactLoader.add_constructor("tag:yaml.org,2002:str", _as_text)
_ExactLoader.add_constructor("tag:yaml.org,2002:int", _as_integer)


def read_yaml(what: str, path: Place, landing: Place | None = None) -> tuple[Any, str, str]:
    """The content, the hash of the text, and the text. `landing`: the file stands below it, and no link may lead out.

    ConfigError, that says `what` is meant, for a file that cannot be read or is not as it should be.
    """
    try:
        with open_landed(landing, relative(path, landing)) if landing else open_regular(path) as file:
            data = file.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise Refused(f"larger than {_MAX_BYTES:,} bytes")
    except Refused as refused:
        raise ConfigError(f"{what} {path} is not read: {refused}") from refused
    except OSError as error:
        raise ConfigError(f"{what} {path} cannot be read: {error.strerror}") from error
    try:
        text = data.decode()
        return yaml.load(text, _ExactLoader), hashlib.sha256(data).hexdigest(), text
    except RecursionError:
        raise ConfigError(f"{what} {path} is not read: nested too deep") from None
    except _NO_YAML as error:
        raise ConfigError(f"{what} {path} is not YAML: {' '.join(str(error).split())}") from error
