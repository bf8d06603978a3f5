/* SPDX-License-Identifier: BSL-1.0
 *
 * The count of references to a shared source in Promela: a word for each stripe, a central count with a bias, threads that share and
 * drop, and the thread that ends the source and marks the stripes beside them. The names are those of
 * core/include/cts/protocol/striped_count.hpp and reference_count.hpp. The model is sequentially consistent; the Relacy models
 * (models/shared) check weaker orders. Each d_step that has the name of a site is one atomic operation there.
 *
 * Three threads use two stripes. The first and the third begin with a reference. In any order a thread shares, drops what it holds, and
 * hands references to the next thread, so that a stripe also counts below zero.
 *
 * Spin explores every interleaving and checks:
 *   H1  a reference is counted once: when all have ended, no reference is left and the central count is zero
 *   H2  each stripe is marked once, and what the mark returns is all that it has counted
 *   H3  the last drop destroys the owner, and no other: once, when no reference is left
 *   H4  no thread touches the count of an owner that is destroyed
 * and that every thread ends. Each -DBROKEN_… builds in a defect, and Spin must then find an error.
 *
 * Not modelled: what the owner is (protocol/state.hpp), how a thread finds its stripe, and the stripes of the registry.
 */
#define STRIPES 2
#define USERS 3
#ifndef SHARES
#define SHARES 1               /* of each thread */
#endif
#define BIAS 100               /* more than there can be references */

/* A stripe's word: twice what it has counted, which may be below zero, and the mark in bit 0. */
short stripe[STRIPES];
short central = BIAS + 1;      /* the source's own reference */

/* Bookkeeping for the checks. */
byte held;                     /* references that exist, the source's own among them */
byte purse[USERS];             /* those that a thread holds and does not use at the moment */
byte left;                     /* threads that have left, in their order */
bool marked_before[STRIPES];
bool destroyed;
byte ended;

#define is_marked(w) ((w) & 1)
#define alive() assert(!destroyed)                                /* H4 */

inline destroy() {
  assert(held == 0);                                              /* H3 */
  destroyed = true
}

/* reference_count::share. The reference exists from the last access on. */
inline share(s) {
  d_step {
    alive();
    marked = is_marked(stripe[s]);
    stripe[s] = stripe[s] + 2;                                    /* stripe_share */
    if
    :: !marked -> held++; purse[me]++
    :: else
    fi
  };
  if
  :: marked ->
     d_step {
       alive();
#ifndef BROKEN_LATE_SHARE_FORGOTTEN
       central = central + 1;                                     /* late_share */
#endif
       held++;
       purse[me]++
     }
  :: else
  fi
}

/* reference_count::drop. The reference exists up to the last access. */
inline drop(s) {
  d_step {
    alive();
    marked = is_marked(stripe[s]);
    stripe[s] = stripe[s] - 2;                                    /* stripe_drop */
    if
    :: !marked -> held--
    :: else
    fi
  };
  if
  :: marked ->
     d_step {
       alive();
       before = central;
       held--;
#ifndef BROKEN_LATE_DROP_FORGOTTEN
       central = central - 1;                                     /* late_drop */
       if
#ifdef BROKEN_BIAS_FORGOTTEN
       :: before % BIAS == 1 -> destroy()
#else
       :: before == 1 -> destroy()
#endif
       :: else
       fi;
#endif
       before = 0
     }
  :: else
  fi
}

proctype user(byte me) {
  bool marked;
  short before;
  byte shares = SHARES;
  do
  :: d_step { purse[me] > 0 && shares > 0 -> shares-- };
     share(me % STRIPES)
  :: d_step { purse[me] > 0 -> purse[me]-- };
     drop(me % STRIPES)
  :: d_step { purse[me] > 0 && me + 1 < USERS -> purse[me]--; purse[me + 1]++ }   /* handed over */
  :: d_step { purse[me] == 0 && left == me -> left++; shares = 0; marked = false };
     break
  od;
  ended++
}

/* reference_count::end: marks every stripe, adds what they have counted, and takes away the bias and the source's reference. */
proctype source() {
  byte i;
  short sum, found, before, less;
  do
#ifdef BROKEN_ONE_STRIPE_MARKED
  :: i < 1 ->
#else
  :: i < STRIPES ->
#endif
#ifdef BROKEN_MARK_AFTER_READING
     found = stripe[i];
     d_step { alive(); stripe[i] = stripe[i] | 1 };
#else
     d_step {
       alive();
       found = stripe[i];
#ifndef BROKEN_MARK_DROPPED
       stripe[i] = stripe[i] | 1                                  /* stripe_mark */
#endif
     };
#endif
     d_step {
       assert(!is_marked(found));                                 /* H2 */
       assert(!marked_before[i]);
       marked_before[i] = true;
#ifdef BROKEN_BELOW_ZERO_LOST
       if
       :: found < 0 -> found = 0
       :: else
       fi;
#endif
#ifndef BROKEN_MOVED_COUNT_LOST
       sum = sum + found / 2;
#endif
       found = 0;
       i++
     }
  :: else -> break
  od;
  found = 0;
  d_step {
    alive();
    less = BIAS + 1 - sum;
    before = central;
    central = central - less;                                     /* stripes_end */
    held--;
    if
    :: before == less -> destroy()
    :: else
    fi
  };
  ended++
}

init {
  atomic {
    stripe[0] = 4;             /* the first references were taken in the first stripe */
    purse[0] = 1;
    purse[2] = 1;
    held = 3;
    run user(0);
    run user(1);
    run user(2);
    run source()
  }
  (ended == USERS + 1);
  atomic {
    assert(destroyed);                                            /* H3 */
    assert(held == 0 && central == 0);                            /* H1 */
    assert(marked_before[0] && marked_before[1])                  /* H2 */
  }
}

ltl ends { <> (ended == USERS + 1) }
