// SPDX-License-Identifier: BSL-1.0
/// @file
/// Which version this is, and what of it a program has only once.
///
/// All names are in an inline namespace that is named after the version and the configuration (CTS_ABI). Two versions,
/// or the release and the checked configuration, therefore coexist in one program as long as they exchange no objects;
/// if they do, it does not link. Within one version, CTS_SHARED_SYMBOL makes all shared objects of a process use the
/// same handlers, timers and exception types.
#pragma once
#ifndef CTS_VERSION_HPP
#define CTS_VERSION_HPP

/// The build of the project reads its version from these three lines.
#define CTS_VERSION_MAJOR 0
#define CTS_VERSION_MINOR 2
#define CTS_VERSION_PATCH 0
/// One number to compare: 0.2.0 is 200.
#define CTS_VERSION (CTS_VERSION_MAJOR * 10000 + CTS_VERSION_MINOR * 100 + CTS_VERSION_PATCH)

/// 1: registries and sources detect operations that overlap dispose, and other misuse, and report them
/// (core/overlap_watch.hpp).
#ifndef CTS_CHECKED
#define CTS_CHECKED 0
#endif

/// The inline namespace: v0_2, or v0_2_checked. Patch releases keep it, as they keep the layout of every class.
#if CTS_CHECKED
#define CTS_ABI CTS_ABI_NAME(CTS_VERSION_MAJOR, CTS_VERSION_MINOR, _checked)
#else
#define CTS_ABI CTS_ABI_NAME(CTS_VERSION_MAJOR, CTS_VERSION_MINOR, )
#endif
#define CTS_ABI_NAME(first, second, kind) CTS_ABI_PASTE(first, second, kind)
#define CTS_ABI_PASTE(first, second, kind) v##first##_##second##kind

/// Marks what a process has once and not once for each shared object, also under -fvisibility=hidden. A plug-in that
/// shares nothing with the rest of its process, and is to be unloaded, may define it as nothing. TRICKY: not for member
/// functions of class templates. GCC gives their static locals to each shared object all the same.
#ifndef CTS_SHARED_SYMBOL
#if (defined(__GNUC__) || defined(__clang__)) && !defined(_WIN32) && !defined(__CYGWIN__)
#define CTS_SHARED_SYMBOL [[gnu::visibility("default")]]
#else
#define CTS_SHARED_SYMBOL
#endif
#endif

#endif  // CTS_VERSION_HPP
