"""Changes to C that may let a refused program pass: what can be tried for each reason.

Laboratory equipment, first used in chapter 08, the_verifier. None of them is known to help: the
kernel is asked about each. The small ones come first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from chapters.ch08.verifier import known
from chapters.ch08.verifier.shape import STACK_SIZE
from chapters.ch08.verifier.source import DECLARED, Source
from chapters.ch08.verifier.verdict import KernelVerdict
from chapters.ch08.verifier.wants import WANTS
from helpers import uapi
from helpers.asm import Instruction

Change = Callable[[Source, KernelVerdict], Iterator[str]]
CHANGES: dict[str, list[Change]] = {}
CALL = re.compile(r"\b(bpf_\w+)\(")
TYPES = {8: "__u64", 4: "__u32", 2: "__u16", 1: "__u8"}
TAKES = {"bpf_ringbuf_reserve": "bpf_ringbuf_discard({}, 0);"}
TAKES |= dict.fromkeys(
    ("bpf_sk_lookup_tcp", "bpf_sk_lookup_udp", "bpf_skc_lookup_tcp"), "bpf_sk_release({});"
)
TURNS = (64, 16)  # of a loop
# What is meant by fields that a type of program does not have, and the one that it has.
MEANT = {
    r"CONTEXT->data_end - CONTEXT->data\b": "len",
    r"CONTEXT->user_ip6(\[0\])?": "user_ip4",
    r"CONTEXT->msg_src_ip6(\[0\])?": "msg_src_ip4",
}
# How a map is declared of which there is but one type for a function.
_TYPE = "    __uint(type, BPF_MAP_TYPE_{});\n"
_NUMBERS = "    __uint(key_size, 4);\n    __uint(value_size, 4);\n"
_ENTRIES = "    __uint(max_entries, {});\n"
ANEW = {
    uapi.BPF_MAP_TYPE_RINGBUF: _TYPE.format("RINGBUF") + _ENTRIES.format(1 << 16),
    uapi.BPF_MAP_TYPE_PERF_EVENT_ARRAY: _TYPE.format("PERF_EVENT_ARRAY") + _NUMBERS,
    uapi.BPF_MAP_TYPE_PROG_ARRAY: _TYPE.format("PROG_ARRAY") + _ENTRIES.format(4) + _NUMBERS,
}


def helps(*keys: str) -> Callable[[Change], Change]:
    """Register a change for reasons, by their keys."""

    def register(change: Change) -> Change:
        for key in keys:
            CHANGES.setdefault(key, []).append(change)
        return change

    return register


def chained(verdict: KernelVerdict) -> list[Instruction]:
    """The instructions that the chain names, the last first, and then the refused one."""
    links = [link for register in verdict.chain.registers for link in register.links]
    found = [i for link in links for i in link.instructions]
    return [*reversed(found), verdict.refusal.instruction]


def made(source: Source, verdict: KernelVerdict) -> Iterator[str]:
    """The variables that hold the value, by the lines of the chain that give one."""
    names = []
    for i in chained(verdict):
        if i is not None and source.has(i) and i.line <= source.at:
            names.append(source.assigned(i.line))
    yield from filter(None, dict.fromkeys(names))


@helps("null", "argument_null", "release_null", "null_moved")
def ask_first(source: Source, verdict: KernelVerdict) -> Iterator[str]:
    here = source.here
    for name in [*made(source, verdict), *source.names(source.at)]:
        declared = source.declaration(name)
        if declared and declared[0] == source.at:  # it gets its value here
            continue
        alone = here.rstrip().endswith(";") and not re.match(rf"\s*{DECLARED} \**\w+ =", here)
        if alone and "return" not in here and not source.is_body(source.at):
            indent = re.match(r"\s*", here)[0]
            asked = f"{indent}if ({name})", f"{indent}    {here.strip()}"
            yield source.with_line(source.at, *asked)
        yield source.before(source.at, f"if (!{name})", f"    {source.leave}")
    yield from name_first(source)


def name_first(source: Source) -> Iterator[str]:
    """What is called within a call, or followed within a line, gets a name that can be asked."""
    indent = re.match(r"\s*", source.here)[0]
    inner = re.search(r"(bpf_\w+)\((bpf_\w+\(.*\))\);", source.here)
    if inner and inner[2].count("(") == inner[2].count(")"):
        yield source.with_line(
            source.at,
            f"{indent}void *found = {inner[2]};",
            "",
            f"{indent}if (found)",
            f"{indent}    {inner[1]}(found);",
        )
    field = re.search(r"\b(\w+->sk)\b", source.here)
    if field:
        yield source.with_line(
            source.at,
            f"{indent}struct bpf_sock *found = {field[1]};",
            "",
            f"{indent}if (!found)",
            f"{indent}    {source.leave}",
            source.here.replace(field[1], "found"),
        )


@helps("packet_end")
def compare_with_the_end(source: Source, verdict: KernelVerdict) -> Iterator[str]:
    end = f"(void *)(long){source.context}->data_end"
    for name in re.findall(r"(\w+)->", source.here):
        if name != source.context:
            beyond = f"(void *)({name} + 1) > {end}"
            yield source.before(source.at, f"if ({beyond})", f"    {source.leave}")
    i, before = verdict.refusal.instruction, verdict.refusal.before
    value = before.get(f"R{i.base}", "")
    if known.kind(value) == "pkt":
        reach = known.moved(value)[1] + i.offset + i.size
        data = f"(void *)(long){source.context}->data"
        if 0 < reach < 1 << 16:
            yield source.before(source.at, f"if ({data} + {reach} > {end})", f"    {source.leave}")


@helps("unset")
def take_no_second_argument(source: Source, verdict: KernelVerdict) -> Iterator[str]:
    head = source.head()
    found = head and re.search(r"\((.*?),\s*(.*)\)\s*$", source[head])
    if not found or source[head + 1].strip() != "{":
        return
    names = [(each.strip(), re.search(r"(\w+)$", each.strip())[1]) for each in found[2].split(",")]
    first = source[head].replace(found[0], f"({found[1]})")
    for field in ("len", "protocol", "mark", ""):
        if field and not names[0][1].startswith(field):
            continue
        value = f"{source.context}->{field}" if field else "0"
        variables = [f"    {declared} = {value};" for declared, _ in names]
        lines = source.lines
        yield "\n".join([*lines[: head - 1], first, lines[head], *variables, *lines[head + 1 :]])


@helps("key_unset", "value_unset", "buffer_unset")
def clear_it(source: Source, verdict: KernelVerdict) -> Iterator[str]:
    for name in re.findall(r"&(\w+)", source.here):
        declared = source.declaration(name)
        if not declared:
            continue
        line, after = declared[0], declared[0]
        while after + 1 < source.at and re.match(rf"\s+{DECLARED}\s*\**\w+.*;", source[after + 1]):
            after += 1  # behind all declarations
        indent = re.match(r"\s*", source[line])[0]
        clearing = f"{indent}__builtin_memset(&{name}, 0, sizeof({name}));"
        yield source.with_line(after, source[after], clearing)


@helps("unset", "stack_unset", "key_unset", "value_unset", "buffer_unset")
def give_it_a_value(source: Source, verdict: KernelVerdict) -> Iterator[str]:
    for line in source.body():
        found = re.match(rf"(\s+){DECLARED}\s*(\**)(\w+)(\[\w+\])?;\s*$", source[line])
        if not found or found["type"].startswith("return"):
            continue
        zero = "{}" if found[5] or "struct" in found["type"] and not found[3] else "0"
        yield source.with_line(line, source[line].rstrip()[:-1] + f" = {zero};")


@helps("key_bounds", "value_short")
def take_the_maps_type(source: Source, verdict: KernelVerdict) -> Iterator[str]:
    named = (m for m in verdict.maps.values() if re.search(rf"&{m.name}\b", source.here))
    map = next(named, None)
    if map is None:
        return
    size = map.key_size if verdict.refusal.key == "key_bounds" else map.value_size
    if size not in TYPES:
        return
    for name in re.findall(r"&(\w+)", source.here):
        declared = source.declaration(name)
        if declared and not declared[1]["stars"]:
            line, found = declared
            yield source.with_line(line, source[line].replace(found["type"], TYPES[size], 1))


@helps("endless", "many_turns")
def end_the_loop(source: Source, verdict: KernelVerdict) -> Iterator[str]:
    loop = re.search(r"for \((?:.*?(\w+) = .*?);(.*?);(.*)\)", source.here)
    if not loop:
        return
    indent = re.match(r"\s*", source.here)[0]
    earlier = source[source.at - 1].strip()
    unroll = () if earlier.startswith("#pragma") else ("#pragma unroll",)
    if unroll:
        yield source.with_line(source.at, *unroll, source.here)
    for turns in TURNS:
        bounded = re.sub(r"(\w+) (<|<=|!=) [^;&]+$", rf"\1 < {turns}", loop[2].rstrip())
        for condition in (f"{loop[2].rstrip()} && {loop[1]} < {turns}", bounded):
            text = source.here.strip().replace(loop[2], condition, 1)
            yield source.with_line(source.at, *unroll, f"{indent}{text}")


@helps("stack_depth", "stack_bounds")
def smaller_arrays(source: Source, verdict: KernelVerdict) -> Iterator[str]:
    arrays = [
        (int(found[3]), line, found)
        for line, text in enumerate(source.lines, 1)
        if (found := re.match(r"(\s+)(.*\w\[)(\d+)(\];.*)$", text))
    ]
    for take in (STACK_SIZE // 4, STACK_SIZE // 2):
        for size, line, found in sorted(arrays, key=lambda each: -each[0]):
            if size > take:
                yield source.with_line(line, f"{found[1]}{found[2]}{size - take}{found[4]}")


@helps("licence")
def license_it(source: Source, verdict: KernelVerdict) -> Iterator[str]:
    for line, text in enumerate(source.lines, 1):
        if 'SEC("license")' in text:
            yield source.with_line(line, re.sub(r'= ".*"', '= "GPL"', text))


@helps("leak_stored")
def store_something_else(source: Source, verdict: KernelVerdict) -> Iterator[str]:
    found = re.match(r"(.*[^=!<>+-]=)(?!=) *(.+);(.*)$", source.here)
    if found:
        for value in (f"{source.context}->len", "0"):
            yield source.with_line(source.at, f"{found[1]} {value};{found[3]}")


@helps("leak_result", "result")
def return_a_number(source: Source, verdict: KernelVerdict) -> Iterator[str]:
    for line in reversed(source.body()):
        if re.match(r"\s+return\b.*;", source[line]):
            indent = re.match(r"\s*", source[line])[0]
            yield source.with_line(line, indent + source.leave)


@helps("reference")
def give_it_back(source: Source, verdict: KernelVerdict) -> Iterator[str]:
    for line in source.body():
        call = CALL.search(source[line])
        if call and call[1] in TAKES and source.assigned(line):
            name = source.assigned(line)
            yield from before_returns(source, line, TAKES[call[1]].format(name), name)


@helps("lock_kept")
def unlock(source: Source, verdict: KernelVerdict) -> Iterator[str]:
    for line in source.body():
        call = re.search(r"bpf_spin_lock\((.*)\);", source[line])
        if call:
            yield from before_returns(source, line, f"bpf_spin_unlock({call[1]});", "")


def before_returns(source: Source, after: int, statement: str, name: str) -> Iterator[str]:
    """A statement put before each return behind a line, one at a time, then before all."""
    returns = [n for n in source.body() if n > after and re.match(r"\s*return\b", source[n])]
    for asked in [statement, f"if ({name}) {statement}"] if name else [statement]:
        for line in reversed(returns):
            yield _before_return(source, [line], asked)
        yield _before_return(source, returns, asked)


def _before_return(source: Source, returns: Sequence[int], statement: str) -> str:
    lines = list(source.lines)
    for line in reversed(returns):
        indent, text = re.match(r"\s*", lines[line - 1])[0], lines[line - 1].strip()
        if source.is_body(line):
            lines[line - 1] = f"{indent}{{ {statement} {text} }}"
        else:
            lines[line - 1 : line] = [f"{indent}{statement}", f"{indent}{text}"]
    return "\n".join(lines)


@helps("value_bounds", "unbounded")
def compare_the_index(source: Source, verdict: KernelVerdict) -> Iterator[str]:
    found = re.search(r"(\w+)\[([^\]]+)\]", source.here)
    rooms = (known.attribute(value, "vs") for value in verdict.refusal.before.values())
    room = next(filter(None, rooms), None)
    if not found or room is None:
        return
    i, index = verdict.refusal.instruction, found[2].strip()
    # Where the refused instruction is no load or store, the size of an element is not in it.
    for count in (room // size for size in ([i.size] if i.base is not None else TYPES)):
        if index.isdigit():
            if int(index) >= count > 0:
                yield _indexed(source, found, str(count - 1))
            continue
        if count < 2:
            continue
        if index.isidentifier():
            yield source.before(source.at, f"if ({index} >= {count})", f"    {source.leave}")
            either = f"{index} < 0 || {index} >= {count}"
            yield source.before(source.at, f"if ({either})", f"    {source.leave}")
        yield _indexed(source, found, f"({index}) % {count}")


def _indexed(source: Source, found: re.Match, index: str) -> str:
    return source.with_line(
        source.at, f"{source.here[: found.start(2)]}{index}{source.here[found.end(2) :]}"
    )


@helps("size", "buffer_bounds")
def fit_the_size(source: Source, verdict: KernelVerdict) -> Iterator[str]:
    call = CALL.search(source.here)
    if not call:
        return
    arguments = [each.strip() for each in source.here[call.end() :].partition(")")[0].split(",")]
    for buffer, size in zip(arguments, arguments[1:], strict=False):
        declared = source.declaration(buffer.lstrip("&"))
        array = declared and re.match(r"\[(\w+)\]", declared[1]["rest"])
        if not declared or not (array or buffer.startswith("&") or declared[1]["stars"]):
            continue
        room = "sizeof(*{})" if declared[1]["stars"] else "sizeof({})"
        room = room.format(buffer.lstrip("&"))
        if size.isidentifier():
            for asked in (f"!{size}", f"{size} < 1 || {size} > {room}"):
                yield source.before(source.at, f"if ({asked})", f"    {source.leave}")
        yield source.with_line(source.at, source.here.replace(f", {size}", f", {room}", 1))


@helps("context")
def name_the_field_that_is_meant(source: Source, verdict: KernelVerdict) -> Iterator[str]:
    """Where one other field, and no more than one, is what this type of program has for it."""
    for line in range(source.at, source.ends_at(source.at) + 1):
        for meant, field in MEANT.items():
            pattern = meant.replace("CONTEXT", re.escape(source.context))
            text = re.sub(pattern, rf"{source.context}->{field}", source[line])
            if text != source[line]:
                yield source.with_line(line, text)


@helps("map_type")
def take_a_map_of_the_right_type(source: Source, verdict: KernelVerdict) -> Iterator[str]:
    """The one map of the program that has it; or declared anew, if one type alone has it."""
    wanted = WANTS.get(verdict.refusal.instruction.helper)
    if wanted is None or not wanted.maps or wanted.other_maps:
        return
    right = [map.name for map in verdict.maps.values() if wanted.takes(map.type)]
    for name in re.findall(r"&(\w+)", source.here):
        if name not in verdict.maps or name in right:
            continue
        if len(right) == 1:
            used = re.sub(rf"&{name}\b", f"&{right[0]}", source.here)
            yield source.with_line(source.at, used)
        elif not right and len(wanted.maps) == 1 and (anew := ANEW.get(min(wanted.maps))):
            declared = rf"struct \{{[^{{}}]*\}} {name} SEC"
            yield re.sub(declared, f"struct {{\n{anew}}} {name} SEC", source.text, count=1)


@helps("helper_type", "helper_unknown", "perfmon", "licence", "lock_call", "lock_twice")
@helps("unlock_free", "packet_write", "read_only", "write_only", "atomic_place", "load_type")
@helps("release", "lock_place", "socket_field", "leak_stored")
def leave_it_out(source: Source, verdict: KernelVerdict) -> Iterator[str]:
    """The refused statement goes; what it gives is 0."""
    last = source.ends_at(source.at)
    text = " ".join(source[line].strip() for line in range(source.at, last + 1))
    indent = re.match(r"\s*", source.here)[0]
    if not text.endswith(";") or source.head() == source.at:
        return
    if text.startswith("return"):
        new = [indent + source.leave]
    elif found := re.match(rf"({DECLARED} \**\w+ =)", text):
        new = [f"{indent}{found[1]} 0;"]
    else:
        new = [f"{indent};"] if source.is_body(source.at) else []
    yield "\n".join([*source.lines[: source.at - 1], *new, *source.lines[last:]])
