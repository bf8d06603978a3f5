// SPDX-License-Identifier: BSL-1.0
/// @file
/// The C interface (cts/cts.h) on the classes. Each function catches what the classes throw and says it as a status.
#define CTS_C_BUILDING
#include "cts/cts.h"

#include <chrono>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <stdexcept>
#include <span>
#include <utility>
#include <vector>

#include "cts/cts.hpp"

struct cts_source {
  cts::cancellation_token_source source;
};
struct cts_token {
  explicit cts_token(cts::cancellation_token t) noexcept : token(std::move(t)) {}
  cts::cancellation_token token;
  // The handle whose descriptor this token has given out: a descriptor is open as long as its handle lives.
  mutable std::mutex mutex;
  mutable std::optional<cts::wait_handle> handle;
};
struct cts_registration {
  cts::cancellation_token_registration registration;
};

namespace {

/// Runs `f` and says how it ended.
template <class F>
cts_status guarded(F f) noexcept {
  try {
    return f();
  } catch (std::bad_alloc const&) { return CTS_OUT_OF_MEMORY; } catch (cts::object_disposed const&) {
    return CTS_DISPOSED;
  } catch (std::logic_error const&) {  // out_of_range, invalid_argument
    return CTS_INVALID_ARGUMENT;
  } catch (...) {  // std::system_error
    return CTS_SYSTEM_ERROR;
  }
}

cts_status give(cts_source** to, cts::cancellation_token_source&& made) {
  *to = new cts_source{std::move(made)};
  return CTS_OK;
}

}  // namespace

extern "C" {

char const* cts_status_name(cts_status status) {
  switch (status) {
    case CTS_OK: return "CTS_OK";
    case CTS_TIMED_OUT: return "CTS_TIMED_OUT";
    case CTS_INVALID_ARGUMENT: return "CTS_INVALID_ARGUMENT";
    case CTS_OUT_OF_MEMORY: return "CTS_OUT_OF_MEMORY";
    case CTS_DISPOSED: return "CTS_DISPOSED";
    case CTS_NOT_SUPPORTED: return "CTS_NOT_SUPPORTED";
    case CTS_SYSTEM_ERROR: return "CTS_SYSTEM_ERROR";
    default: return "unknown cts_status";
  }
}

cts_status cts_source_create(cts_source** source) {
  if (source == nullptr) return CTS_INVALID_ARGUMENT;
  return guarded([&] { return give(source, cts::cancellation_token_source()); });
}

cts_status cts_source_create_linked(cts_token const* const* tokens, size_t count, cts_source** source) {
  if (tokens == nullptr || count == 0 || source == nullptr) return CTS_INVALID_ARGUMENT;
  return guarded([&] {
    std::vector<cts::cancellation_token> parents;
    parents.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      if (tokens[i] == nullptr) return CTS_INVALID_ARGUMENT;
      parents.push_back(tokens[i]->token);
    }
    return give(source,
                cts::cancellation_token_source::create_linked(std::span<cts::cancellation_token const>(parents)));
  });
}

cts_status cts_source_cancel(cts_source* source) {
  if (source == nullptr) return CTS_INVALID_ARGUMENT;
  return guarded([&] {
    source->source.cancel();  // C callbacks throw nothing, so neither does this
    return CTS_OK;
  });
}

cts_status cts_source_cancel_after_ms(cts_source* source, int64_t milliseconds) {
  if (source == nullptr) return CTS_INVALID_ARGUMENT;
  return guarded([&] {
    if (milliseconds == 0) source->source.cancel();
    else source->source.cancel_after(std::chrono::milliseconds(milliseconds));
    return CTS_OK;
  });
}

bool cts_source_is_canceled(cts_source const* source) {
  return source != nullptr && source->source.is_cancellation_requested();
}

void cts_source_destroy(cts_source* source) { delete source; }

cts_status cts_token_of(cts_source const* source, cts_token** token) {
  if (source == nullptr || token == nullptr) return CTS_INVALID_ARGUMENT;
  return guarded([&] {
    *token = new cts_token(source->source.token());
    return CTS_OK;
  });
}

cts_status cts_token_copy(cts_token const* token, cts_token** copy) {
  if (token == nullptr || copy == nullptr) return CTS_INVALID_ARGUMENT;
  return guarded([&] {
    *copy = new cts_token(token->token);
    return CTS_OK;
  });
}

void cts_token_destroy(cts_token* token) { delete token; }

bool cts_token_is_canceled(cts_token const* token) {
  return token != nullptr && token->token.is_cancellation_requested();
}

cts_status cts_token_wait_ms(cts_token const* token, int64_t milliseconds) {
  if (token == nullptr || milliseconds < -1) return CTS_INVALID_ARGUMENT;
  if (token->token.is_cancellation_requested()) return CTS_OK;
  cts_status const status = guarded([&] {
    cts::wait_handle const handle = token->token.wait_handle();
    if (milliseconds == -1) handle.wait();
    else if (!handle.wait_for(std::chrono::milliseconds(milliseconds))) return CTS_TIMED_OUT;
    return CTS_OK;
  });
  // The source may have been canceled and then destroyed before this thread woke up.
  return status == CTS_DISPOSED && token->token.is_cancellation_requested() ? CTS_OK : status;
}

cts_status cts_token_descriptor(cts_token const* token, int* descriptor) {
  if (token == nullptr || descriptor == nullptr) return CTS_INVALID_ARGUMENT;
#ifdef _WIN32
  return CTS_NOT_SUPPORTED;
#else
  return guarded([&] {
    std::scoped_lock const lock(token->mutex);
    if (!token->handle) token->handle.emplace(token->token.wait_handle());
    *descriptor = token->handle->native_handle();
    return CTS_OK;
  });
#endif
}

cts_status cts_register(cts_token const* token, cts_callback callback, void* context, cts_registration** registration) {
  if (token == nullptr || callback == nullptr || registration == nullptr) return CTS_INVALID_ARGUMENT;
  return guarded([&] {
    auto made = std::make_unique<cts_registration>();  // first: nothing fails once the callback may run
    made->registration = token->token.register_callback([callback, context] { callback(context); });
    *registration = made.release();
    return CTS_OK;
  });
}

bool cts_registration_unregister(cts_registration* registration) {
  return registration != nullptr && registration->registration.unregister();
}

void cts_registration_dispose(cts_registration* registration) { delete registration; }

}  // extern "C"
