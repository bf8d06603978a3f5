#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The C interface by Python's ctypes: c_test.py LIBRARY"""
import ctypes
import select
import sys
import threading
import time

c = ctypes.CDLL(sys.argv[1])
OK, TIMED_OUT, INVALID_ARGUMENT = 0, 1, 2
CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
handle = ctypes.c_void_p
for name, arguments in {
        "cts_source_create": [ctypes.POINTER(handle)], "cts_source_cancel": [handle],
        "cts_source_cancel_after_ms": [handle, ctypes.c_int64], "cts_source_destroy": [handle],
        "cts_source_create_linked": [ctypes.POINTER(handle), ctypes.c_size_t, ctypes.POINTER(handle)],
        "cts_token_of": [handle, ctypes.POINTER(handle)], "cts_token_destroy": [handle], "cts_token_is_canceled": [handle],
        "cts_token_wait_ms": [handle, ctypes.c_int64], "cts_token_descriptor": [handle, ctypes.POINTER(ctypes.c_int)],
        "cts_register": [handle, CALLBACK, ctypes.c_void_p, ctypes.POINTER(handle)],
        "cts_registration_unregister": [handle], "cts_registration_dispose": [handle]}.items():
    getattr(c, name).argtypes = arguments
for name in ("cts_token_is_canceled", "cts_registration_unregister"):
    getattr(c, name).restype = ctypes.c_bool
c.cts_status_name.restype = ctypes.c_char_p


def made(function, *arguments):
    out = handle()
    status = function(*arguments, ctypes.byref(out))
    assert status == OK, c.cts_status_name(status)
    return out


source = made(c.cts_source_create)
token = made(c.cts_token_of, source)
child = made(c.cts_source_create_linked, (handle * 1)(token), 1)
of_child = made(c.cts_token_of, child)
ran_on = []
callback = CALLBACK(lambda context: ran_on.append(threading.get_ident()))
registration = made(c.cts_register, of_child, callback, None)
descriptor = ctypes.c_int(-1)
assert c.cts_token_descriptor(of_child, ctypes.byref(descriptor)) == OK
assert select.select([descriptor.value], [], [], 0)[0] == []
assert c.cts_token_wait_ms(of_child, 0) == TIMED_OUT
threading.Timer(0.01, lambda: c.cts_source_cancel(source)).start()
assert c.cts_token_wait_ms(of_child, -1) == OK
assert select.select([descriptor.value], [], [], 10)[0] == [descriptor.value]
while not ran_on:  # the wait may end before the callback begins
    time.sleep(0.001)
c.cts_registration_dispose(registration)  # waits until the callback has returned
assert len(ran_on) == 1 and ran_on[0] != threading.get_ident(), ran_on
assert c.cts_token_is_canceled(token)
assert c.cts_source_cancel(None) == INVALID_ARGUMENT
for end, ended in ((c.cts_token_destroy, (token, of_child)), (c.cts_source_destroy, (child, source))):
    for each in ended:
        end(each)
print("ok")
