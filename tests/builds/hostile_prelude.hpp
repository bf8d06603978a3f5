// SPDX-License-Identifier: BSL-1.0
/// @file
/// The macros of other headers: Qt, <windows.h>, X11, curses, old C. A program may include those before cts. Here each
/// macro expands to text that no program can contain, so cts must not use its name; min and max are allowed if no
/// parenthesis follows.
#pragma once

// Written by the build: the system headers that cts includes, which do not survive such macros.
#include "system_headers.hpp"

#if __has_include(<curses.h>)
#include <curses.h>
#endif
#if __has_include(<X11/Xlib.h>)
#include <X11/Xlib.h>
#include <X11/Xutil.h>
#endif

#undef min
#undef max
#define min(a, b) @
#define max(a, b) @

// Qt
#define slots @
#define signals @
#define emit @
#define foreach @
#define forever @
// <windows.h>, <rpcndr.h>
#undef interface
#define interface @
#undef near
#define near @
#undef far
#define far @
#undef small
#define small @
#undef hyper
#define hyper @
#undef pascal
#define pascal @
#undef cdecl
#define cdecl @
#undef BOOL
#define BOOL @
#undef VOID
#define VOID @
#undef CONST
#define CONST @
#undef IN
#define IN @
#undef OUT
#define OUT @
#undef OPTIONAL
#define OPTIONAL @
#undef ERROR
#define ERROR @
#undef DELETE
#define DELETE @
#undef IGNORE
#define IGNORE @
#undef STRICT
#define STRICT @
#undef TRUE
#define TRUE @
#undef FALSE
#define FALSE @
#undef CreateEvent
#define CreateEvent @
// X11
#undef Bool
#define Bool @
#undef None
#define None @
#undef Status
#define Status @
#undef Success
#define Success @
#undef True
#define True @
#undef False
#define False @
#undef Always
#define Always @
#undef Never
#define Never @
#undef Above
#define Above @
#undef Below
#define Below @
#undef Complex
#define Complex @
// curses
#undef OK
#define OK @
#undef ERR
#define ERR @
#undef timeout
#define timeout(delay) @
// old C, Apple's AssertMacros.h, glibc's sys/sysmacros.h, names of platforms
#define check @
#define verify @
#define require @
#define assert_ @
#undef major
#define major @
#undef minor
#define minor @
#undef unix
#define unix @
#undef linux
#define linux @
#undef i386
#define i386 @
#undef sun
#define sun @
#undef I
#define I @
