/* SPDX-License-Identifier: BSL-1.0 */
/* The C interface from C11: each function, its errors, and what happens at the ends of handles. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cts/cts.h"

static int failures = 0;
#define EXPECT(condition)                                             \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      ++failures;                                                     \
    }                                                                 \
  } while (0)

static void count(void* context) { ++*(int*)context; }

static void cancels_once_and_runs_callbacks(void) {
  cts_source* source = NULL;
  cts_token* token = NULL;
  cts_registration* first = NULL;
  cts_registration* second = NULL;
  int runs = 0, never = 0;
  EXPECT(cts_source_create(&source) == CTS_OK);
  EXPECT(cts_token_of(source, &token) == CTS_OK);
  EXPECT(!cts_token_is_canceled(token));
  EXPECT(cts_register(token, count, &runs, &first) == CTS_OK);
  EXPECT(cts_register(token, count, &never, &second) == CTS_OK);
  EXPECT(cts_registration_unregister(second));
  EXPECT(!cts_registration_unregister(second));
  EXPECT(cts_source_cancel(source) == CTS_OK);
  EXPECT(cts_source_cancel(source) == CTS_OK);
  EXPECT(cts_token_is_canceled(token) && cts_source_is_canceled(source));
  EXPECT(runs == 1 && never == 0);
  EXPECT(!cts_registration_unregister(first));
  cts_registration_dispose(first);
  cts_registration_dispose(second);
  EXPECT(cts_register(token, count, &runs, &first) == CTS_OK); /* at once */
  EXPECT(runs == 2);
  cts_source_destroy(source);
  EXPECT(cts_token_is_canceled(token));
  cts_registration_dispose(first);
  cts_token_destroy(token);
}

static void links_and_copies(void) {
  cts_source* a = NULL;
  cts_source* b = NULL;
  cts_source* child = NULL;
  cts_token* tokens[2] = {NULL, NULL};
  cts_token* of_child = NULL;
  EXPECT(cts_source_create(&a) == CTS_OK && cts_source_create(&b) == CTS_OK);
  EXPECT(cts_token_of(a, &tokens[0]) == CTS_OK && cts_token_of(b, &tokens[1]) == CTS_OK);
  EXPECT(cts_source_create_linked((cts_token const* const*)tokens, 2, &child) == CTS_OK);
  EXPECT(cts_token_of(child, &of_child) == CTS_OK);
  EXPECT(cts_source_cancel(b) == CTS_OK);
  EXPECT(cts_token_is_canceled(of_child) && !cts_token_is_canceled(tokens[0]));
  cts_token* copy = NULL;
  EXPECT(cts_token_copy(of_child, &copy) == CTS_OK);
  cts_token_destroy(of_child);
  EXPECT(cts_token_is_canceled(copy));
  cts_token_destroy(copy);
  cts_token_destroy(tokens[0]);
  cts_token_destroy(tokens[1]);
  cts_source_destroy(child);
  cts_source_destroy(a);
  cts_source_destroy(b);
}

static void times_and_waits(void) {
  cts_source* source = NULL;
  cts_token* token = NULL;
  int descriptor = -1;
  EXPECT(cts_source_create(&source) == CTS_OK && cts_token_of(source, &token) == CTS_OK);
  EXPECT(cts_token_wait_ms(token, 0) == CTS_TIMED_OUT);
  EXPECT(cts_token_wait_ms(token, 1) == CTS_TIMED_OUT);
  cts_status const described = cts_token_descriptor(token, &descriptor);
  EXPECT(described == CTS_NOT_SUPPORTED || (described == CTS_OK && descriptor >= 0));
  EXPECT(cts_source_cancel_after_ms(source, -1) == CTS_OK);
  EXPECT(cts_source_cancel_after_ms(source, -2) == CTS_INVALID_ARGUMENT);
  EXPECT(cts_source_cancel_after_ms(source, INT64_MAX) == CTS_INVALID_ARGUMENT);
  EXPECT(!cts_token_is_canceled(token));
  EXPECT(cts_source_cancel_after_ms(source, 5) == CTS_OK);
  EXPECT(cts_token_wait_ms(token, -1) == CTS_OK);
  cts_source_destroy(source);
  cts_token_destroy(token);

  EXPECT(cts_source_create(&source) == CTS_OK && cts_token_of(source, &token) == CTS_OK);
  cts_source_destroy(source);
  EXPECT(cts_token_wait_ms(token, -1) == CTS_DISPOSED);
  cts_token_destroy(token);
}

static void says_what_is_wrong(void) {
  cts_source* source = NULL;
  cts_token* token = NULL;
  cts_registration* registration = NULL;
  cts_token const* none[1] = {NULL};
  EXPECT(cts_source_create(NULL) == CTS_INVALID_ARGUMENT);
  EXPECT(cts_source_create_linked(NULL, 1, &source) == CTS_INVALID_ARGUMENT);
  EXPECT(cts_source_create_linked(none, 0, &source) == CTS_INVALID_ARGUMENT);
  EXPECT(cts_source_create_linked(none, 1, &source) == CTS_INVALID_ARGUMENT);
  EXPECT(source == NULL);
  EXPECT(cts_source_cancel(NULL) == CTS_INVALID_ARGUMENT);
  EXPECT(cts_source_cancel_after_ms(NULL, 0) == CTS_INVALID_ARGUMENT);
  EXPECT(!cts_source_is_canceled(NULL) && !cts_token_is_canceled(NULL));
  EXPECT(cts_token_of(NULL, &token) == CTS_INVALID_ARGUMENT);
  EXPECT(cts_token_copy(NULL, &token) == CTS_INVALID_ARGUMENT);
  EXPECT(cts_token_wait_ms(NULL, 0) == CTS_INVALID_ARGUMENT);
  EXPECT(cts_token_descriptor(NULL, NULL) == CTS_INVALID_ARGUMENT);
  EXPECT(cts_register(NULL, count, NULL, &registration) == CTS_INVALID_ARGUMENT);
  EXPECT(cts_source_create(&source) == CTS_OK && cts_token_of(source, &token) == CTS_OK);
  EXPECT(cts_register(token, NULL, NULL, &registration) == CTS_INVALID_ARGUMENT);
  EXPECT(cts_token_wait_ms(token, -2) == CTS_INVALID_ARGUMENT);
  EXPECT(!cts_registration_unregister(NULL));
  cts_registration_dispose(NULL);
  cts_token_destroy(NULL);
  cts_source_destroy(NULL);
  EXPECT(strcmp(cts_status_name(CTS_TIMED_OUT), "CTS_TIMED_OUT") == 0);
  EXPECT(strcmp(cts_status_name((cts_status)99), "unknown cts_status") == 0);
  cts_token_destroy(token);
  cts_source_destroy(source);
}

static void* cancel(void* source) {
  cts_source_cancel((cts_source*)source);
  return NULL;
}
/* A registration's context may be freed once dispose has returned, whatever another thread does. */
static void disposes_beside_a_cancel(void) {
  for (int round = 0; round < 200; ++round) {
    cts_source* source = NULL;
    cts_token* token = NULL;
    cts_registration* registration = NULL;
    pthread_t thread;
    int* runs = calloc(1, sizeof *runs);
    EXPECT(cts_source_create(&source) == CTS_OK && cts_token_of(source, &token) == CTS_OK);
    EXPECT(cts_register(token, count, runs, &registration) == CTS_OK);
    EXPECT(pthread_create(&thread, NULL, cancel, source) == 0);
    cts_registration_dispose(registration);
    EXPECT(*runs == 0 || *runs == 1);
    free(runs);
    pthread_join(thread, NULL);
    cts_token_destroy(token);
    cts_source_destroy(source);
  }
}

static void* wait_for_it(void* token) { return cts_token_wait_ms((cts_token*)token, -1) == CTS_OK ? token : NULL; }
/* A waiter that wakes after the source was canceled and destroyed is told of the cancellation. */
static void cancels_and_destroys_beside_a_waiter(void) {
  for (int round = 0; round < 200; ++round) {
    cts_source* source = NULL;
    cts_token* token = NULL;
    pthread_t thread;
    void* told = NULL;
    EXPECT(cts_source_create(&source) == CTS_OK && cts_token_of(source, &token) == CTS_OK);
    EXPECT(pthread_create(&thread, NULL, wait_for_it, token) == 0);
    while (cts_token_wait_ms(token, 0) != CTS_TIMED_OUT) continue;
    EXPECT(cts_source_cancel(source) == CTS_OK);
    cts_source_destroy(source);
    pthread_join(thread, &told);
    EXPECT(told == token);
    cts_token_destroy(token);
  }
}

static void zero_milliseconds_cancel_on_this_thread(void) {
  cts_source* source = NULL;
  EXPECT(cts_source_create(&source) == CTS_OK);
  EXPECT(cts_source_cancel_after_ms(source, 0) == CTS_OK);
  EXPECT(cts_source_is_canceled(source));
  cts_source_destroy(source);
}

int main(void) {
  cancels_and_destroys_beside_a_waiter();
  zero_milliseconds_cancel_on_this_thread();
  cancels_once_and_runs_callbacks();
  links_and_copies();
  times_and_waits();
  says_what_is_wrong();
  disposes_beside_a_cancel();
  return failures != 0;
}
