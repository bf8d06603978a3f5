# SPDX-License-Identifier: BSL-1.0
"""gdb -batch -nx -x check_gdb.py DEBUGGEE, with CTS_GDB_SCRIPT in the environment: what the printers show of each class."""
import os
import re
import sys
import traceback

import gdb

faults = []


def shown(what):
    return gdb.execute("print %s" % what, to_string=True)


def expect(what, *patterns):
    text = shown(what)
    for pattern in patterns:
        if not re.search(pattern, text, re.S):
            faults.append("%s: %r not found in\n%s" % (what, pattern, text))


def address(expression):
    return "0x%x" % int(gdb.parse_and_eval(expression))


try:
    gdb.execute("set width 0")
    gdb.execute("set print elements 0")
    if os.environ.get("CTS_GDB_SCRIPT"):
        gdb.execute("source " + os.environ["CTS_GDB_SCRIPT"])
    gdb.execute("set breakpoint pending on")
    gdb.execute("break stop_here")
    try:
        gdb.execute("run", to_string=True)
    except gdb.error as error:
        if not re.search("ptrace|not permitted", str(error)):
            raise
        print("skipped: gdb cannot run programs here: %s" % error)
        gdb.execute("quit 0")
    gdb.execute("frame function main", to_string=True)

    expect("fresh", r"not canceled; 2 registered, 0 running; generation 2\b",
           r"\[generation 2, slot 1\] = .*registered: %s, named::run\(.*\[generation 2, slot 0\] = .*registered: %s, named::run\("
           % (address("&second"), address("&first")))
    expect("striped", r"not canceled; 1 registered, 0 running", r"\[stripe \d+, generation 1, slot 0\] = .*%s" % address("&third"))
    expect("grown", r"; 21 registered, 0 running", r"slot 0\] = .*registered: %s" % address("&many[0]"))
    expect("at_work", r"canceled, callbacks run; 1 registered, 1 running; generation 1\b",
           r"\[generation 1, slot 1\] = .*running: %s, named::run.*, on thread 0x[1-9a-f]" % address("&newest"),
           r"\[generation 1, slot 0\] = .*registered: %s" % address("&older"))
    expect("first", r"registered; runs named::run")
    expect("older", r"registered; runs named::run")
    expect("newest", r"running; runs named::run")

    root, other = address("root.state_"), address("other.state_")
    expect("root", r"cts::cancellation_token_source: not canceled\b", r"address = .*%s" % root, r"timer = .*none",
           r"waiters = .*[01] of the wait handle", r"3 registered",
           r"registered: %s, cts::v\w+::cancellation_callback<on_cancel>::run" % address("&callback"),
           r"the link of the source %s" % address("child.state_"), r"function_node<on_cancel.*>::run")
    expect("other", r"timer = .*due when the steady clock shows [1-9]\d+ ns", r"waiters = .*no wait handle")
    expect("child", r"not canceled", r"link 0 = .*to the source %s" % other, r"link 1 = .*to the source %s" % root)
    expect("canceled_child", r": canceled\b", r"cause = .*link 0, of the source 0x[1-9a-f]")
    expect("many_threads", r"not canceled", r"references = .*\b2\b", r"1 registered", r"\[stripe \d+, generation 1, slot 0\]",
           r"registered: %s" % address("&in_stripe"))
    expect("stop_many", r"1 sources, 2 owners", r"1 registered")
    expect("moved", r"cts::cancellation_token_source: not canceled")
    expect("late", r": canceled\b", r"cause = .*the timer")
    expect("gone", r"cts::cancellation_token_source: moved from")
    expect("taken", r"not canceled, disposed")
    expect("token", r"cts::cancellation_token: not canceled", r"address = .*%s" % root)
    expect("none", r"cts::cancellation_token: none\(\)")
    expect("registration", r"cts::cancellation_token_registration: registered; runs .*function_node<on_cancel.*>::run")
    expect("nothing", r"registration: of nothing")
    expect("stop", r"cts::stop_source: stop not requested; 1 sources, 3 owners", r"1 registered", r"stop_invocation")
    expect("stop_token", r"cts::stop_token: stop not requested")
    expect("in_place", r"cts::inplace_stop_source: stop requested", r"canceled; 0 registered")
    expect("in_place_token", r"cts::inplace_stop_token of cts::inplace_stop_source: stop requested")
    expect("small", r"stop not requested", r"; 1 registered", r"slot 0\] = .*registered: %s.*stop_invocation" % address("&in_small"))
    expect("large", r"; 8 registered", r"slot 0\] = .*registered: %s" % address("&a"))
    expect("lane", r"cts::lane: open.*; 1 registered", r"\[slot 0\] = .*registered: %s" % address("&on_lane"))
except Exception:  # pylint: disable=broad-except
    faults.append(traceback.format_exc())
gdb.execute("set confirm off")
try:
    gdb.execute("kill", to_string=True)
except gdb.error:
    pass
for fault in faults:
    sys.stderr.write(fault + "\n")
gdb.execute("quit %d" % (1 if faults else 0))
