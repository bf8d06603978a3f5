// SPDX-License-Identifier: BSL-1.0
/// @file
/// The version, the inline namespace, and the mark of symbols that a process has once.
///
/// All names are in an inline namespace that is named after the version and the configuration (CTS_ABI). Two versions,
/// or the release and the checked configuration, coexist in one program as long as they exchange no objects; if they
/// exchange objects, the program does not link. Within one version and configuration, all shared objects of a process
/// use the same handlers, timers and exception types (CTS_SHARED_SYMBOL).
#pragma once
#ifndef CTS_VERSION_HPP
#define CTS_VERSION_HPP

/// The first number of the version. The build of the project reads the version from these three lines.
#define CTS_VERSION_MAJOR 0
/// The second number of the version. It changes with the API or the layout of a class.
#define CTS_VERSION_MINOR 2
/// The third number of the version. It keeps the API and the layout of every class.
#define CTS_VERSION_PATCH 0
/// The version as one number to compare: 0.2.0 is 200.
#define CTS_VERSION (CTS_VERSION_MAJOR * 10000 + CTS_VERSION_MINOR * 100 + CTS_VERSION_PATCH)

/// The configuration. 1: registries and sources detect misuse and leaks, and report them (diagnostics.hpp).
#ifndef CTS_CHECKED
#define CTS_CHECKED 0
#endif

/// The inline namespace: v0_2, or v0_2_checked.
#if CTS_CHECKED
#define CTS_ABI CTS_ABI_NAME(CTS_VERSION_MAJOR, CTS_VERSION_MINOR, _checked)
#else
#define CTS_ABI CTS_ABI_NAME(CTS_VERSION_MAJOR, CTS_VERSION_MINOR, )
#endif
/// Makes the name of the inline namespace of its expanded arguments.
#define CTS_ABI_NAME(first, second, kind) CTS_ABI_PASTE(first, second, kind)
/// Pastes the name of the inline namespace of its arguments as they are.
#define CTS_ABI_PASTE(first, second, kind) v##first##_##second##kind

/// Marks a symbol that a process has once, not once for each shared object, also under -fvisibility=hidden.
///
/// A plug-in that shares nothing with the rest of its process and is to be unloaded may define it as nothing. TRICKY:
/// not for member functions of class templates. GCC gives each shared object its own static locals of those all the
/// same.
#ifndef CTS_SHARED_SYMBOL
#if (defined(__GNUC__) || defined(__clang__)) && !defined(_WIN32) && !defined(__CYGWIN__)
#define CTS_SHARED_SYMBOL [[gnu::visibility("default")]]
#else
#define CTS_SHARED_SYMBOL
#endif
#endif

#endif  // CTS_VERSION_HPP
