"""What was deployed last: the image of each service, by digest."""

from pathlib import Path

import msgspec

from usenet_stack.transaction.durable import write_durably

Record = dict[str, dict[str, str]]


def record_path(stack_folder: Path) -> Path:
    """Return where the record of a stack lies."""
    return stack_folder / ".usenet" / "images.json"


def read_record(stack_folder: Path) -> Record:
    """Return {service: {"reference": ..., "digest": ...}}, or nothing."""
    try:
        content = record_path(stack_folder).read_bytes()
    except FileNotFoundError:
        return {}
    return msgspec.json.decode(content, type=Record)


def write_record(stack_folder: Path, record: Record) -> None:
    """Replace the record, durably."""
    text = msgspec.json.format(msgspec.json.encode(record))
    write_durably(record_path(stack_folder), text + b"\n", 0o644)
