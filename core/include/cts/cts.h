/* SPDX-License-Identifier: BSL-1.0 */
/**
 * @file
 * The C interface: sources, tokens, registrations, links, timeouts and waits as opaque handles. C11; target cts::c.
 *
 * Each handle belongs to the caller until its destroy or dispose function ends it. Handles are independent: a token may
 * outlive its source, and a registration may outlive both. Every function may be called concurrently on the same
 * handle, except the one that ends the handle, which comes last.
 *
 * No exception leaves this interface. A function that can fail returns a cts_status and changes nothing if it fails; it
 * writes its result through its last pointer only with CTS_OK.
 */
#ifndef CTS_CTS_H
#define CTS_CTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(CTS_C_SHARED) && defined(_WIN32) && defined(CTS_C_BUILDING)
#define CTS_C_API __declspec(dllexport)
#elif defined(CTS_C_SHARED) && defined(_WIN32)
#define CTS_C_API __declspec(dllimport)
#elif defined(__GNUC__)
#define CTS_C_API __attribute__((visibility("default")))
#else
#define CTS_C_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** The result of a call. The numbers are stable. */
typedef enum cts_status {
  CTS_OK = 0,               /**< done; of a wait: the token is canceled */
  CTS_TIMED_OUT = 1,        /**< a wait has ended without a cancellation */
  CTS_INVALID_ARGUMENT = 2, /**< a null pointer, no tokens, or milliseconds out of range */
  CTS_OUT_OF_MEMORY = 3,    /**< nothing has changed */
  CTS_DISPOSED = 4,         /**< the source was destroyed, so the call cannot do what it says */
  CTS_NOT_SUPPORTED = 5,    /**< this system has no such thing (descriptors on Windows) */
  CTS_SYSTEM_ERROR = 6      /**< the system refused a thread or a descriptor */
} cts_status;

typedef struct cts_source cts_source;             /**< can cancel */
typedef struct cts_token cts_token;               /**< tells whether its source was canceled */
typedef struct cts_registration cts_registration; /**< a callback that waits for a cancellation */

/** A callback. It must not throw and must not jump out. It may use every function here, on its own handles too. */
typedef void (*cts_callback)(void* context);

/** A name of a status for logs, such as "CTS_TIMED_OUT"; never null. Static storage. */
CTS_C_API char const* cts_status_name(cts_status status);

/** Creates a source that is not canceled. CTS_INVALID_ARGUMENT, CTS_OUT_OF_MEMORY. */
CTS_C_API cts_status cts_source_create(cts_source** source);

/**
 * Creates a source that is canceled as soon as one of `count` tokens is (or by itself). R64 to R70. O(count).
 * CTS_INVALID_ARGUMENT if there are none or one is null, CTS_OUT_OF_MEMORY.
 */
CTS_C_API cts_status cts_source_create_linked(cts_token const* const* tokens, size_t count, cts_source** source);

/**
 * Cancels: sets the flag and runs the callbacks on the calling thread, newest first. A second call does nothing and
 * returns CTS_OK at once. CTS_INVALID_ARGUMENT. R1, R2, R26.
 */
CTS_C_API cts_status cts_source_cancel(cts_source* source);

/**
 * Cancels after `milliseconds`, on a thread of the library; replaces an earlier time. 0 cancels now, on the calling
 * thread; -1 means never. CTS_INVALID_ARGUMENT below -1 or beyond 4294967294 (R76), CTS_OUT_OF_MEMORY,
 * CTS_SYSTEM_ERROR if no thread can be started.
 */
CTS_C_API cts_status cts_source_cancel_after_ms(cts_source* source, int64_t milliseconds);

/** Whether cts_source_cancel was called on it, or on something it is linked to. False for null. */
CTS_C_API bool cts_source_is_canceled(cts_source const* source);

/** Ends the handle without canceling; its timer is disarmed. Tokens stay valid. Comes last. Null is ignored. */
CTS_C_API void cts_source_destroy(cts_source* source);

/** Makes a token of a source. CTS_INVALID_ARGUMENT, CTS_OUT_OF_MEMORY. */
CTS_C_API cts_status cts_token_of(cts_source const* source, cts_token** token);

/** Makes another token of the same source. CTS_INVALID_ARGUMENT, CTS_OUT_OF_MEMORY. */
CTS_C_API cts_status cts_token_copy(cts_token const* token, cts_token** copy);

/** Ends the handle. Comes last. Null is ignored. */
CTS_C_API void cts_token_destroy(cts_token* token);

/** Whether the source was canceled: one load. False for null. */
CTS_C_API bool cts_token_is_canceled(cts_token const* token);

/**
 * Waits until the source is canceled, for at most `milliseconds`; -1 waits without end, 0 only looks.
 * CTS_OK: canceled; CTS_TIMED_OUT; CTS_DISPOSED if the source is destroyed uncanceled (before or during the wait);
 * CTS_INVALID_ARGUMENT for null or below -1; CTS_OUT_OF_MEMORY.
 */
CTS_C_API cts_status cts_token_wait_ms(cts_token const* token, int64_t milliseconds);

/**
 * A descriptor that poll, select and epoll report as readable once the source is canceled or destroyed. It belongs to
 * the token: it is open until the token is destroyed. Do not read from it and do not close it. CTS_NOT_SUPPORTED on
 * Windows, CTS_DISPOSED, CTS_OUT_OF_MEMORY, CTS_SYSTEM_ERROR if there are no descriptors left, CTS_INVALID_ARGUMENT.
 */
CTS_C_API cts_status cts_token_descriptor(cts_token const* token, int* descriptor);

/**
 * Registers `callback(context)` for the cancellation. On a token that is canceled already it runs the callback before
 * it returns, and before it writes `*registration`. CTS_INVALID_ARGUMENT, CTS_OUT_OF_MEMORY (the callback does not run
 * then).
 */
CTS_C_API cts_status cts_register(cts_token const* token, cts_callback callback, void* context,
                                  cts_registration** registration);

/** Takes the callback back. Never waits. True: it has not run and never will. False: it runs or has run. */
CTS_C_API bool cts_registration_unregister(cts_registration* registration);

/**
 * Takes the callback back, or waits until it has returned if it runs on another thread, and ends the handle: afterwards
 * the context may be freed. Does not wait inside the callback itself. Comes last. Null is ignored.
 */
CTS_C_API void cts_registration_dispose(cts_registration* registration);

#ifdef __cplusplus
}
#endif

#endif /* CTS_CTS_H */
