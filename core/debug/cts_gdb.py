# SPDX-License-Identifier: BSL-1.0
"""Pretty-printers for gdb: who is registered, who runs, in which generation; sources, tokens, registrations, lanes.

    (gdb) source core/debug/cts_gdb.py
    (gdb) print source

docs/debugging.md says how gdb loads this file by itself. Works on a live process and on a core file, with libstdc++ and libc++, for every
version of the inline namespace. Reads memory only; calls no function of the program.
"""
import gdb
import gdb.printing

NEVER = 2**63 - 1
MOST_SEGMENTS = 100000  # of a list that is followed: memory may be damaged


def raw(value):
    """The number or pointer in a std::atomic, in a platform's atomic, var or hint, or in a slot."""
    names = ("word_", "value_", "_M_i", "_M_b", "_M_p", "_M_base", "__a_", "__a_value")
    while value.type.strip_typedefs().code == gdb.TYPE_CODE_STRUCT:
        for name in names:
            try:
                value = value[name]
                break
            except gdb.error:
                pass
        else:
            raise gdb.error("cts: no atomic: %s" % value.type)
    return value


def at(address, of):
    return gdb.Value(int(address)).cast(of.pointer()).dereference()


def base_of(of):
    return of.strip_typedefs().fields()[0].type.strip_typedefs()


def hexa(address):
    return "0x%x" % int(address)


def references(owner, central, last_stripe, bias):
    """The references of a shared source: its central count, and until it ends those of the stripes in front of it."""
    if last_stripe == 0 or central < bias // 2:
        return central
    word = gdb.lookup_type("unsigned long")
    half = 1 << (8 * word.sizeof - 1)
    for i in range(last_stripe + 1):
        counted = int(at(int(owner) - (i + 1) * LINE, word))
        central += (counted - 2 * half if counted >= half else counted) // 2
    return central - bias


# --- the registry ---

LINE = 64

DEAD, LIVE, RUNNING, DONE = range(4)
HELD = 4  # as done, but with a callback
STATES = {LIVE: "registered", RUNNING: "running", HELD: "being removed"}


def state_of(word):
    if word & ~3 == 0 and word & 3 == RUNNING:
        return DEAD  # kept by a removal: no callback is there
    return HELD if word & 3 == DONE and word & ~3 else word & 3


class Entry:
    def __init__(self, stripe, generation, index, word):
        self.stripe, self.generation, self.index = stripe, generation, index
        self.state, self.callback = state_of(word), word & ~3


def segments(stack):
    inline = stack["inline_segment_"]
    segment = base_of(inline.type)
    link = int(raw(stack["list_"]["top_"])) & ~1
    for _ in range(MOST_SEGMENTS):
        if link == 0:
            return
        s = at(link, segment)
        yield s
        link = int(raw(s["older_"])) & ~3


def stacks(registry):
    """The stacks in which registrations can be: those of the row of a shared source, or the registry's own."""
    stripes = registry["stripes_"]
    low, high = stripes.type.range()
    row = registry["row_"]
    if any(f.name == "row_" for f in row.type.fields()) and int(row["row_"]) != 0:
        row = row["row_"].dereference()
        name = row.type.strip_typedefs().name.split("stripe_row<")[0]
        platform = row.type.strip_typedefs().template_argument(0).strip_typedefs().name
        stripe = gdb.lookup_type("%sstripe<%s, %sisolated>" % (name, platform, name))
        first = int(row.address) + row.type.sizeof
        return [at(first + i * stripe.sizeof, stripe)["stack"] for i in range(int(row["size_"]))]
    return [stripes[i]["stack"] for i in range(low, high + 1)]


def is_compact(stack):
    return any(f.name == "slots_" for f in stack.type.strip_typedefs().fields())


def annex(stack):
    """The segment stack of a compact one; None if it has none yet."""
    full = stack.type.strip_typedefs()
    top = int(raw(stack["top_"])) & ~1
    if top == 0:
        return None
    return at(top, gdb.lookup_type(full.name + "::annex_stack").strip_typedefs())


def in_stack(stripe, stack):
    if is_compact(stack):
        if annex(stack) is not None:
            yield from in_stack(stripe, annex(stack))
        slots = stack["slots_"]
        slot = slots.type.strip_typedefs().template_argument(0)
        for i in reversed(range(slots.type.sizeof // slot.sizeof)):
            yield Entry(stripe, 1, i, int(raw(at(int(slots.address) + i * slot.sizeof, slot))))
        return
    for s in segments(stack):
        slot = s["floor_"].type
        first = int(s.address) + s.type.sizeof
        generation = int(raw(s["generation_"])) // 1024
        for i in reversed(range(int(s["capacity_"]))):
            yield Entry(stripe, generation, i, int(raw(at(first + i * slot.sizeof, slot))))


def entries(registry):
    """Of each slot that holds a callback, the newest first."""
    for stripe, stack in enumerate(stacks(registry)):
        for entry in in_stack(stripe, stack):
            if entry.state in (LIVE, RUNNING):
                yield entry


def generation_of(registry):
    stack = stacks(registry)[0]
    if is_compact(stack):
        if annex(stack) is None:
            return "1"
        stack = annex(stack)
    for s in segments(stack):
        word = int(raw(s["generation_"]))
        return "%d%s" % (word // 1024, ", sealed" if word & 512 else "")
    return "none"


def name_of_function(pointer):
    block = gdb.block_for_pc(int(pointer))
    while block is not None and block.function is None:
        block = block.superblock
    return block.function.name if block is not None else hexa(pointer)


def describe(registry, address):
    """The callback: its function and, if it is a link, the linked state. Its memory may be gone."""
    try:
        callback = callback_type(registry)
        run = name_of_function(raw(at(address, callback)["run_"]))
    except gdb.error:
        return "%s, which cannot be read" % hexa(address)
    owner = run.split("::run(")[0]
    if "detail::basic_link<" in owner.split("(")[0]:
        try:
            child = at(address, gdb.lookup_type(owner))["child"].referenced_value()
            return "%s, the link of the source %s" % (hexa(address), hexa(child.address))
        except gdb.error:
            pass
    return "%s, %s" % (hexa(address), run)


def callback_type(registry):
    full = registry.type.strip_typedefs()
    prefix = full.name.split("basic_registry<")[0]
    return gdb.lookup_type("%sbasic_callback<%s>" % (prefix, full.template_argument(0).strip_typedefs().name))


FLAGS = {0: "not canceled", 1: "canceled, callbacks run", 3: "canceled"}


class RegistryPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        flag = int(raw(self.value["flag_"]))
        found = list(entries(self.value))
        text = FLAGS.get(flag & 3, "flag %d" % flag) + (", disposed" if flag & 4 else "")
        return "cts::core::registry: %s; %d registered, %d running; generation %s" % (
            text, sum(e.state == LIVE for e in found), sum(e.state == RUNNING for e in found), generation_of(self.value))

    def children(self):
        thread = int(raw(self.value["canceller_"]))
        for e in entries(self.value):
            where = "generation %d, slot %d" % (e.generation, e.index)
            if len(stacks(self.value)) > 1:
                where = "stripe %d, %s" % (e.stripe, where)
            text = "%s: %s" % (STATES[e.state], describe(self.value, e.callback))
            if e.state == RUNNING:
                text += ", on thread %s" % hexa(thread)
            yield "[%s]" % where, text


class CallbackPrinter:
    """A callback: where it is registered. Of a class that is derived from it gdb shows the other fields itself."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        slot = raw(self.value["slot_"])
        run = "runs %s" % name_of_function(raw(self.value["run_"]))
        if int(slot) == 0:
            return "cts::core::callback: not registered; %s" % run
        try:
            word = int(raw(slot.dereference()))
        except gdb.error:
            return "cts::core::callback: its registry is gone; %s" % run
        mine = word & ~3 == int(self.value.address) if self.value.address is not None else False
        return "cts::core::callback: %s; %s" % (STATES.get(state_of(word), "over") if mine else "over", run)


# --- sources and tokens ---

CANCELED, DISPOSED, LINKED, WATCHED = 1, 2, 4, 16


class StatePrinter:
    """What a source and its tokens share."""

    def __init__(self, value, name="cts::detail::state"):
        self.value, self.name = value, name

    def status(self):
        return int(raw(self.value["status_"]))

    def link(self, i):
        state = self.value.type.strip_typedefs()
        link = gdb.lookup_type("%sbasic_link<%s>" % (state.name.split("basic_state<")[0], state.name))
        return at(int(self.value.address) + state.sizeof + i * link.sizeof, link)

    def to_string(self):
        now = self.status()
        text = "canceled" if now & CANCELED else "not canceled"
        return "%s: %s%s" % (self.name, text, ", disposed" if now & DISPOSED else "")

    def children(self):
        now = self.status()
        yield "address", hexa(self.value.address)
        if now & CANCELED:
            yield "cause", self.cause(now)
        yield "timer", self.timer()
        for i in range(int(self.value["link_count_"])):
            parent = self.link(i)["parent"]
            yield "link %d" % i, ("to the source %s" % hexa(parent)) if int(parent) else "to nothing"
        yield "waiters", self.waiters(now)
        refs = self.value["refs_"]
        central = int(raw(refs["central_"]))
        word = gdb.lookup_type("unsigned long")
        yield "references", references(self.value.address, central, int(refs["last_stripe_"]), 1 << (8 * word.sizeof - 2))
        yield "registry", self.value["registry_"]

    def cause(self, now):
        if now & LINKED:
            i = now // 128
            return "link %d, of the source %s" % (i, hexa(self.link(i)["parent"]))
        reason = now & ~127
        if reason == 128:
            return "the timer"
        return "a request with the reason at %s" % hexa(reason) if reason else "a request"

    def timer(self):
        pointer = raw(self.value["alarm_"]["alarm_"])
        if int(pointer) == 0:
            return "none"
        alarm = pointer.dereference()
        due = int(raw(alarm["due_"]))
        if due == NEVER:
            return "none"
        custom = alarm["custom_"]
        provider = custom["_M_ptr"] if "_M_ptr" in [f.name for f in custom.type.strip_typedefs().fields()[0].type.fields()] else custom["__ptr_"]
        clock = "its time_provider" if int(provider) else "the steady clock"
        return "due when %s shows %d ns" % (clock, due)

    def waiters(self, now):
        event = raw(self.value["event_"]["event_"])
        if not now & WATCHED or int(event) == 0:
            return "no wait handle"
        e = event.dereference()
        observers = e["observers_"]
        try:
            observers = int(observers["_M_impl"]["_M_finish"] - observers["_M_impl"]["_M_start"])
        except gdb.error:
            observers = int(observers["__end_"] - observers["__begin_"])
        return "%d of the wait handle" % (int(raw(e["waiting_"])) + observers)


class HolderPrinter:
    """A class with one pointer to a state."""

    def __init__(self, value, name, empty):
        self.value, self.name, self.empty = value, name, empty
        pointer = value["state_"]
        self.state = StatePrinter(pointer.dereference(), name) if int(pointer) else None

    def to_string(self):
        return self.state.to_string() if self.state else "%s: %s" % (self.name, self.empty)

    def children(self):
        return self.state.children() if self.state else iter(())


class RegistrationPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        node = self.value["node_"]
        if int(node) == 0:
            return "cts::cancellation_token_registration: of nothing"
        callback = node.dereference()
        for _ in range(2):  # registration node, node, callback
            callback = callback.cast(base_of(callback.type))
        return "cts::cancellation_token_registration: " + CallbackPrinter(callback).to_string().split("callback: ", 1)[1]


class StopPrinter:
    """A stop_source or a stop_token, whose state is a registry and two counts."""

    def __init__(self, value, name):
        self.value, self.name = value, name

    def to_string(self):
        state = self.value["state_"]
        if int(state) == 0:
            return "%s: without a state" % self.name
        counts = int(raw(state["counts_"]))
        flag = int(raw(state["registry_"]["flag_"]))
        owners = references(state, counts & 0xFFFFFFFF, int(state["last_stripe_"]), 1 << 30)
        return "%s: stop %srequested; %d sources, %d owners" % (self.name, "" if flag & 1 else "not ", counts >> 32, owners)

    def children(self):
        if int(self.value["state_"]) != 0:
            yield "registry", self.value["state_"]["registry_"]


class InplacePrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        flag = int(raw(self.value["registry_"]["flag_"]))
        return "cts::inplace_stop_source: stop %srequested" % ("" if flag & 1 else "not ")

    def children(self):
        yield "registry", self.value["registry_"]


class InplaceTokenPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        source = self.value["source_"]
        if int(source) == 0:
            return "cts::inplace_stop_token: without a source"
        return "cts::inplace_stop_token of " + InplacePrinter(source.dereference()).to_string()


class LanePrinter:
    STATES = ("closed", "detached", "open", "open, one-sided barrier")
    FATES = ("registered", "withdrawn", "running", "done")

    def __init__(self, value):
        self.value = value

    def slots(self):
        link = int(raw(self.value["segments_"]["newest_"]))
        segment = raw(self.value["segments_"]["current_"]).type.target()
        for _ in range(MOST_SEGMENTS):
            if link == 0:
                return
            s = at(link, segment)
            slot = s["floor"].type
            for i in reversed(range(int(s["capacity"]))):
                here = at(link + segment.sizeof + i * slot.sizeof, slot)
                if int(raw(here["registered"])) != 0:
                    yield i, here
            link = int(raw(s["older"]))

    def to_string(self):
        state = int(raw(self.value["state_"]))
        return "cts::lane: %s; %d registered" % (
            self.STATES[state], sum(int(raw(s["fate"])) == 0 for _, s in self.slots()))

    def children(self):
        for i, s in self.slots():
            yield "[slot %d]" % i, "%s: %s" % (self.FATES[int(raw(s["fate"]))], hexa(raw(s["registered"])))


def printers():
    all_of_them = gdb.printing.RegexpCollectionPrettyPrinter("cts")
    # A name may have an inline namespace: v0_2, v0_2_checked.
    for name, pattern, printer in (
            ("registry", "core::basic_registry<.*>", RegistryPrinter),
            ("callback", "core::basic_callback<.*>", CallbackPrinter),
            ("state", "detail::basic_state<.*>", StatePrinter),
            ("source", "cancellation_token_source", lambda v: HolderPrinter(v, "cts::cancellation_token_source", "moved from")),
            ("token", "cancellation_token", lambda v: HolderPrinter(v, "cts::cancellation_token", "none()")),
            ("registration", "cancellation_token_registration", RegistrationPrinter),
            ("stop_source", "stop_source", lambda v: StopPrinter(v, "cts::stop_source")),
            ("stop_token", "stop_token", lambda v: StopPrinter(v, "cts::stop_token")),
            ("inplace_stop_source", "inplace_stop_source", InplacePrinter),
            ("inplace_stop_token", "inplace_stop_token", InplaceTokenPrinter),
            ("lane", "basic_lane<.*>", LanePrinter)):
        all_of_them.add_printer(name, r"^cts::(v\d+_\d+\w*::)?%s$" % pattern, printer)
    return all_of_them


gdb.printing.register_pretty_printer(None, printers(), replace=True)
