// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <gio/gio.h>

struct bench_adapter {
  static constexpr char const* name = "GCancellable";
  static constexpr bool in_place = false;

  class source {
   public:
    source() : object_(g_cancellable_new()) {}
    source(source const&) = delete;
    source& operator=(source const&) = delete;
    ~source() { g_object_unref(object_); }
    GCancellable* get() const noexcept { return object_; }

   private:
    GCancellable* object_;
  };
  class token {
   public:
    explicit token(GCancellable* c) noexcept : object_(c) { g_object_ref(object_); }
    token(token const& other) noexcept : token(other.object_) {}
    token& operator=(token const&) = delete;
    ~token() { g_object_unref(object_); }
    GCancellable* get() const noexcept { return object_; }

   private:
    GCancellable* object_;
  };
  static token token_of(source& s) noexcept { return token(s.get()); }
  static bool requested(token const& t) noexcept { return g_cancellable_is_cancelled(t.get()) != 0; }
  static void cancel(source& s) noexcept { g_cancellable_cancel(s.get()); }
  static void wait(token const& t) {
    GPollFD fd;
    g_cancellable_make_pollfd(t.get(), &fd);
    g_poll(&fd, 1, -1);
    g_cancellable_release_fd(t.get());
  }

  template <class F>
  class registration {
   public:
    registration(token const& t, F f)
        : token_(t), f_(f), id_(g_cancellable_connect(t.get(), G_CALLBACK(&run), &f_, nullptr)) {}
    registration(registration const&) = delete;
    registration& operator=(registration const&) = delete;
    ~registration() { g_cancellable_disconnect(token_.get(), id_); }

   private:
    static void run(GCancellable*, gpointer f) { (*static_cast<F*>(f))(); }
    token token_;
    F f_;
    gulong id_;
  };
};
